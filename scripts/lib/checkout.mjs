/**
 * Brings a checkout up to date: packages installed, TypeScript compiled, the web page and the auditor's script bundled.
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
 * Builds what vite bundles: the web page, and the auditor's script of the audit log.
 * @param {string} root
 * @param {(text: string) => () => void} announce
 * @throws {StepFailed}
 */
export async function bundle(root, announce) {
  const web = join(root, 'services/dashboard/web')
  await buildWithVite(root, announce, {
    what: 'the web page',
    folder: web,
    // The pages bundle the browser SDK too.
    inputs: [...walk(web), ...walk(join(root, 'packages/beacon/src'))],
    output: join(root, 'services/dashboard/web-dist'),
    args: ['--outDir', join(root, 'services/dashboard/web-dist'), '--emptyOutDir'],
    stamp: 'web.stamp',
  })
  const audit = join(root, 'packages/audit-log')
  await buildWithVite(root, announce, {
    what: "the auditor's script",
    folder: audit,
    inputs: [...walk(audit, ['node_modules', 'dist']), ...walk(join(root, 'packages/contracts/src'))],
    output: join(audit, 'dist/tacit-audit-verify.mjs'),
    args: [],
    stamp: 'audit-script.stamp',
  })
}

/**
 * @typedef {object} Bundle
 * @property {string} what is built
 * @property {string} folder with its vite.config; where there is none, nothing is built
 * @property {readonly string[]} inputs files that it is made from
 * @property {string} output the file or folder that it makes
 * @property {readonly string[]} args more for vite
 * @property {string} stamp name of its stamp
 */

/**
 * Runs vite, unless its output was made from these very sources.
 * @param {string} root
 * @param {(text: string) => () => void} announce
 * @param {Bundle} bundle
 * @throws {StepFailed}
 */
async function buildWithVite(root, announce, { what, folder, inputs, output, args, stamp: name }) {
  if (!inputs.some((path) => dirname(path) === folder && /\/vite\.config\.[cm]?[jt]s$/.test(path))) return
  const stamp = hashFiles(root, [...inputs, join(root, 'package-lock.json')])
  const path = join(root, '.cache', name)
  if (readStamp(path) === stamp && existsSync(output)) return
  const done = announce(`Building ${what}`)
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const result = await run(process.execPath, [vite, 'build', folder, ...args], { cwd: folder })
  if (result.code !== 0) {
    throw new StepFailed(`Vite cannot build ${what}.`, result.output, 'Correct the errors above.')
  }
  writeStamp(path, stamp)
  done()
}
