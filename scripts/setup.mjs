/**
 * Installs and builds what is missing, and is silent when nothing is. Called before `npm start` and `npm test`; uses
 * nothing but Node, because nothing else is there yet. With `--install-only` it stops before building (`npm test`
 * builds as a counted check).
 *
 * Exit code 3 when the machine could not: what failed and what to do is on standard error.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, compile, install, lockPath } from './lib/checkout.mjs'
import { withLock } from './lib/lock.mjs'
import { killAll, seconds } from './lib/run.mjs'

const MINIMUM_NODE = [20, 12]
const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** @param {string} version such as 20.12.0 */
function isOldNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = MINIMUM_NODE
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

/** Whether the line of a step waits for its time. */
let lineOpen = false

/** @param {string} text */
function announce(text) {
  const started = performance.now()
  process.stderr.write(`${text} … `)
  lineOpen = true
  return () => {
    lineOpen = false
    process.stderr.write(`${seconds(performance.now() - started)}\n`)
  }
}

async function main() {
  if (isOldNode(process.versions.node)) {
    throw new Error(
      `Tacit needs Node ${MINIMUM_NODE.join('.')} or newer; this is ${process.versions.node}. Install it from your system or https://nodejs.org.`,
    )
  }
  const onWait = (/** @type {number} */ pid) =>
    process.stderr.write(`Waiting for another set-up (process ${pid}) to end …\n`)
  await withLock(
    lockPath(root),
    async () => {
      await install(root, announce)
      if (process.argv.includes('--install-only')) return
      await compile(root, announce)
      await bundle(root, announce)
    },
    { onWait },
  )
}

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.on(signal, () => {
    killAll()
    if (lineOpen) process.stderr.write('interrupted\n')
    process.exit(code)
  })
}

try {
  await main()
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${lineOpen ? 'failed\n\n' : ''}${message}\n`)
  process.exitCode = 3
}
