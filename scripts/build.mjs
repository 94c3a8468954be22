/** `npm run build`: compiles every room and builds the web page, from what is installed. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWeb, compile, lockPath } from './lib/checkout.mjs'
import { withLock } from './lib/lock.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const quiet = () => () => {}

try {
  await withLock(lockPath(root), async () => {
    await compile(root, quiet)
    await buildWeb(root, quiet)
  })
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
