import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Every file below `dir`, sorted, without those in a folder named in `skip`. A folder that does not exist has none.
 * @param {string} dir
 * @param {readonly string[]} [skip] folder names that are not entered
 * @returns {string[]}
 */
export function walk(dir, skip = ['node_modules']) {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) return skip.includes(entry.name) ? [] : walk(path, skip)
      return entry.isFile() ? [path] : []
    })
    .sort()
}

/**
 * The workspaces' folders, relative to the root: each folder of `packages/` and `services/` that has a
 * package.json, and `tests`.
 * @param {string} root
 * @returns {string[]}
 */
export function rooms(root) {
  const children = ['packages', 'services'].flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => join(group, name)) : [],
  )
  return [...children, 'tests'].filter((room) => existsSync(join(root, room, 'package.json'))).sort()
}

/**
 * SHA-256 over names and contents, so that a renamed file counts as a change and a moved checkout does not.
 * @param {string} root what the names are relative to
 * @param {readonly string[]} paths
 * @returns {string} hexadecimal
 */
export function hashFiles(root, paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    const content = readFileSync(path)
    hash.update(`${relative(root, path)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/**
 * What a stamp file says, or the empty string when there is none.
 * @param {string} path
 * @returns {string}
 */
export function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}
