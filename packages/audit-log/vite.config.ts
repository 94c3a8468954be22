/** The auditor's script: the verification and its command in one readable file that needs nothing but Node. */
import { defineConfig } from 'vite'

const BANNER = `/*!
 * Verifies a copy of Tacit's audit log with the public key alone; run it without arguments to see how.
 * Bundled from packages/audit-log of Tacit, unminified, so that it can be read before it is trusted. Apache-2.0.
 */`

export default defineConfig({
  // Of other rooms only what is used comes along, whatever their modules do when they are loaded.
  ssr: { noExternal: true },
  build: {
    ssr: 'src/verify-main.ts',
    outDir: 'dist',
    emptyOutDir: false,
    target: 'node20',
    minify: false,
    reportCompressedSize: false,
    rolldownOptions: {
      treeshake: { moduleSideEffects: (id) => id.includes('/audit-log/') },
      output: { entryFileNames: 'tacit-audit-verify.mjs', banner: BANNER },
    },
  },
})
