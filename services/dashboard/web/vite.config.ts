/** Two pages: the dashboard, and the sample ERP at `sample/`. Built into `web-dist`; nothing is fetched at run time. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const page = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: page('.'),
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: page('../web-dist'),
    emptyOutDir: true,
    target: 'es2022',
    // a data: URL of a script or font would be stopped by the content security policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { main: page('./index.html'), sample: page('./sample/index.html') } },
  },
})
