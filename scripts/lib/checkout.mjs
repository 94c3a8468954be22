/**
 * Brings a checkout up to date: packages installed, TypeScript compiled, the web page built.
 *
 * Invariants: each step leaves a stamp that names what it was made from, written only after the step succeeded, so
 * an interrupted step runs again. Steps run under the lock of the checkout. Recovery: `.cache/` and `node_modules/`
 * may be deleted at any time.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hashFiles, readStamp, rooms, walk } from './files.mjs'
import { bothEnds, run } from './run.mjs'

/** A step that could not be done. `advice` says what the reader can do. */
export class StepFailed extends Error {
  /**
   * @param {string} what
   * @param {string} output
   * @param {string} advice
   */
  constructor(what, output, advice) {
    super(`${what}\n\n${bothEnds(output, 20, 10)}\n\n${advice}`)
    this.name = 'StepFailed'
  }
}

/**
 * @param {string} root
 * @returns {string} the lock that every set-up of this checkout takes
 */
export function lockPath(root) {
  return join(root, '.cache', 'setup.lock')
}

/**
 * @param {string} path
 * @param {string} stamp
 */
function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${stamp}\n`)
}

/**
 * What the installed packages depend on: the lock file, every manifest, and the platform that prebuilt binaries
 * were fetched for.
 * @param {string} root
 */
function installStamp(root) {
  const manifests = rooms(root).map((room) => join(root, room, 'package.json'))
  const inputs = [join(root, 'package.json'), join(root, 'package-lock.json'), ...manifests]
  const abi = process.versions.modules
  return `${process.platform}-${process.arch}-${abi} ${hashFiles(
    root,
    inputs.filter((path) => existsSync(path)),
  )}`
}

/**
 * Installs what the lock file names, unless that is what is installed already.
 * @param {string} root
 * @param {(text: string) => () => void} announce prints the step's line; the function returned says it is done
 * @throws {StepFailed}
 */
export async function install(root, announce) {
  const path = join(root, 'node_modules', '.tacit-install')
  const stamp = installStamp(root)
  if (readStamp(path) === stamp) return
  const done = announce('Installing packages (npm ci; a minute or so when nothing is cached)')
  // npm tells its scripts where it is itself; a plain `node scripts/setup.mjs` finds it on the path.
  const npm = process.env['npm_execpath']
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const result = await run(command, [...args, 'ci', '--no-progress'], { cwd: root })
  if (result.code !== 0) {
    throw new StepFailed(
      result.timedOut ? 'npm ci did not end within 15 minutes.' : `npm ci failed (exit code ${result.code}).`,
      result.output,
      'Check the network, `npm config get registry` and the free disk space (about 1.5 GB), then run it again.',
    )
  }
  writeStamp(path, stamp)
  done()
}

/**
 * Compiles every room (`tsc -b`, incremental).
 * @param {string} root
 * @param {(text: string) => () => void} announce
 * @throws {StepFailed}
 */
export async function compile(root, announce) {
  const fresh = rooms(root).some((room) => !existsSync(join(root, room, 'dist', '.tsbuildinfo')))
  const done = fresh ? announce('Compiling TypeScript') : () => {}
  const result = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
    cwd: root,
  })
  if (result.code !== 0) {
    throw new StepFailed('TypeScript does not compile.', result.output, 'Correct the errors above.')
  }
  done()
}

/**
 * Builds the web page with vite, unless it was built from these very sources.
 * @param {string} root
 * @param {(text: string) => () => void} announce
 * @throws {StepFailed}
 */
export async function buildWeb(root, announce) {
  const web = join(root, 'services/dashboard/web')
  const inputs = walk(web)
  if (!inputs.some((path) => dirname(path) === web && /\/vite\.config\.[cm]?[jt]s$/.test(path))) return
  // The pages bundle the browser SDK too.
  const sdk = walk(join(root, 'packages/beacon/src'))
  const stamp = hashFiles(root, [...inputs, ...sdk, join(root, 'package-lock.json')])
  const path = join(root, '.cache', 'web.stamp')
  const output = join(root, 'services/dashboard/web-dist')
  if (readStamp(path) === stamp && walk(output).length > 0) return
  const done = announce('Building the web page')
  const args = [
    join(root, 'node_modules/vite/bin/vite.js'),
    'build',
    web,
    '--outDir',
    output,
    '--emptyOutDir',
  ]
  const result = await run(process.execPath, args, { cwd: web })
  if (result.code !== 0) {
    throw new StepFailed('The web page does not build.', result.output, 'Correct the errors above.')
  }
  writeStamp(path, stamp)
  done()
}
