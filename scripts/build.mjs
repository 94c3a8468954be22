/** `npm run build`: compiles every room, bundles the web page and the auditor's script, from what is installed. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, compile, lockPath } from './lib/checkout.mjs'
import { withLock } from './lib/lock.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const quiet = () => () => {}

try {
  await withLock(lockPath(root), async () => {
    await compile(root, quiet)
    await bundle(root, quiet)
  })
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
