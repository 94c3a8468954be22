/**
 * Two pages, the dashboard and the sample ERP at `sample/`, and the browser SDK as `tacit.js`. Built into `web-dist`;
 * nothing is fetched at run time.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The collector serves it under this name, so it carries no hash; the sample ERP runs this very file. */
const SDK = 'tacit'

export default defineConfig({
  root: at('.'),
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: at('../web-dist'),
    emptyOutDir: true,
    target: 'es2022',
    // a data: URL of a script or font would be stopped by the content security policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { main: at('./index.html'), sample: at('./sample/index.html'), [SDK]: '@tacit/beacon' },
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: ({ name }) => (name === SDK ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
})
