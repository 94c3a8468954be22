import { existsSync, rmSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { rooms, walk } from './files.mjs'

/**
 * The compiled tests of every room. What was compiled from a source that is gone is deleted, not run: `tsc -b`
 * leaves it behind.
 * @param {string} root
 * @returns {{ parallel: string[], serial: string[] }} paths relative to the root; `serial` wants the machine to itself
 */
export function findTests(root) {
  const found = rooms(root).flatMap((room) => {
    const dist = join(root, room, 'dist')
    const compiled = walk(dist).filter((path) => path.endsWith('.test.js'))
    return compiled.filter((path) => {
      const stem = relative(dist, path).slice(0, -'.js'.length)
      if (existsSync(join(root, room, 'src', `${stem}.ts`))) return true
      for (const suffix of ['.js', '.js.map', '.d.ts', '.d.ts.map']) {
        rmSync(join(dist, `${stem}${suffix}`), { force: true })
      }
      return false
    })
  })
  const isSerial = (/** @type {string} */ path) => path.startsWith(join('tests', 'dist', 'serial') + sep)
  const paths = found.map((path) => relative(root, path))
  return { parallel: paths.filter((path) => !isSerial(path)), serial: paths.filter(isSerial) }
}

/**
 * What a person calls a test file: `packages/keyring/derive`.
 * @param {string} path relative to the root
 */
export function testName(path) {
  return path
    .split(sep)
    .filter((part) => part !== 'dist')
    .join('/')
    .replace(/\.test\.js$/, '')
}
