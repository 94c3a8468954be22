import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle, compile, lockPath } from './checkout.mjs'
import { withLock } from './lock.mjs'
import { run } from './run.mjs'

/**
 * @typedef {{ name: string, run: () => Promise<{ ok: boolean, output: string }> }} Check
 */

/** What vite bundles, `tsc -b` does not see: it is type-checked on its own. */
const WEB = 'services/dashboard/web'

/**
 * Runs a command of an installed package.
 * @param {string} root
 * @param {string} name of the package
 * @param {string} command
 * @param {readonly string[]} args
 */
async function tool(root, name, command, args) {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = join(folder, typeof bin === 'string' ? bin : bin[command])
  const result = await run(process.execPath, [file, ...args], { cwd: root })
  return { ok: result.code === 0, output: result.output }
}

/** @param {string} root */
async function build(root) {
  const quiet = () => () => {}
  try {
    await withLock(lockPath(root), async () => {
      await compile(root, quiet)
      await bundle(root, quiet)
    })
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) }
  }
  if (!existsSync(join(root, WEB, 'tsconfig.json'))) return { ok: true, output: '' }
  return tool(root, 'typescript', 'tsc', ['-p', WEB, '--noEmit'])
}

/**
 * What is checked beside the tests, each counted as one test. The build comes first: the tests run what it made.
 * @param {string} root
 * @returns {{ build: Check, others: Check[] }}
 */
export function checks(root) {
  return {
    build: { name: 'check: types and build', run: () => build(root) },
    others: [
      { name: 'check: lint', run: () => tool(root, 'oxlint', 'oxlint', ['--deny-warnings']) },
      { name: 'check: format', run: () => tool(root, '@biomejs/biome', 'biome', ['format', '.']) },
      {
        name: 'check: unused code',
        run: () => tool(root, 'knip', 'knip', ['--no-progress', '--no-config-hints']),
      },
    ],
  }
}
