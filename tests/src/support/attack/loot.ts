/** What an attacker who has the machine finds after the fact: every byte of every file, by name or only by a descriptor. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { decodeClickHouseFile } from '../leaks/clickhouse-blocks.js'

export interface Loot {
  /** where it was found: a path within the data directory, or a descriptor */
  readonly name: string
  readonly bytes: Buffer
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Every file of the data directory as it lies there (free pages and holes too), those of ClickHouse decoded as well. */
export function lootOfDirectory(dir: string): Loot[] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return names.flatMap((path) => {
    const name = relative(dir, path)
    try {
      const bytes = readFileSync(path)
      const decoded = name.split(sep).includes('clickhouse') ? decodeClickHouseFile(path, bytes) : null
      return [{ name, bytes }, ...(decoded === null ? [] : [{ name: `${name}, decoded`, bytes: decoded }])]
    } catch (error) {
      // The server that runs merges meanwhile.
      if (isGone(error)) return []
      throw error
    }
  })
}

/**
 * What `lsof` shows of a process beyond the data directory: files that it has open, those without a name too, and
 * mapped ones that are deleted. Programs and the kernel's own files are not the house's.
 */
export function lootOfProcess(pid: number, dataDir: string): Loot[] {
  const proc = `/proc/${String(pid)}`
  const open = readdirSync(`${proc}/fd`).map((number) => `${proc}/fd/${number}`)
  const mapped = readdirSync(`${proc}/map_files`)
    .map((range) => `${proc}/map_files/${range}`)
    .filter((link) => targetOf(link)?.endsWith(' (deleted)'))
  return [...open, ...mapped].flatMap((link) => {
    const target = targetOf(link)
    if (target === null || /^\/(?:proc|sys|dev)\//.test(target)) return []
    if (target.startsWith(dataDir + sep) && !target.endsWith(' (deleted)')) return []
    return statSync(link).isFile() ? [{ name: `${link} -> ${target}`, bytes: readFileSync(link) }] : []
  })
}

/** null where it was closed meanwhile. */
function targetOf(link: string): string | null {
  try {
    return readlinkSync(link)
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

/** The strings of a heap snapshot of V8. */
export function stringsOfSnapshot(file: string): readonly string[] {
  const { strings } = JSON.parse(readFileSync(file, 'utf8')) as { readonly strings: readonly string[] }
  return strings
}
