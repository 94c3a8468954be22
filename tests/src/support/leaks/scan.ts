/** Looks through every byte of every file of a data directory, compressed ones decoded too. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeClickHouseFile } from './clickhouse-blocks.js'
import type { Search } from './search.js'

/** Where something was found: never what. */
export interface Leak {
  readonly file: string
  readonly what: string
  readonly form: string
  readonly layer: 'bytes' | 'decoded'
}

export interface Scan {
  readonly leaks: readonly Leak[]
  /** files that should be readable and are not */
  readonly unreadable: readonly string[]
  readonly files: number
  readonly bytes: number
  /** bytes of decoded ClickHouse files */
  readonly decoded: number
}

/** A file that a running server is writing becomes whole, or goes. */
const ATTEMPTS = 10
const RETRY_MS = 100

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

async function filesOf(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true })
    const found = entries.map((entry) => {
      const path = join(dir, entry.name)
      return entry.isDirectory() ? filesOf(path) : entry.isFile() ? [path] : []
    })
    return (await Promise.all(found)).flat()
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

interface Content {
  readonly plain: Buffer
  readonly decoded: Buffer | null
  readonly isReadable: boolean
}

/** null where the file went away. */
async function readContent(path: string, isClickHouse: boolean): Promise<Content | null> {
  for (let attempt = 1; ; attempt++) {
    let plain: Buffer
    try {
      plain = await readFile(path)
    } catch (error) {
      if (isGone(error)) return null
      throw error
    }
    if (!isClickHouse) return { plain, decoded: null, isReadable: true }
    try {
      return { plain, decoded: decodeClickHouseFile(path, plain), isReadable: true }
    } catch {
      if (attempt === ATTEMPTS) return { plain, decoded: null, isReadable: false }
      await sleep(RETRY_MS)
    }
  }
}

/** @param dir a data directory, of a running instance or at rest */
export async function scanDirectory(dir: string, search: Search): Promise<Scan> {
  const leaks: Leak[] = []
  const unreadable: string[] = []
  let files = 0
  let bytes = 0
  let decoded = 0
  for (const path of await filesOf(dir)) {
    const file = relative(dir, path)
    const content = await readContent(path, file.split(sep).includes('clickhouse'))
    if (content === null) continue
    files += 1
    bytes += content.plain.length
    decoded += content.decoded?.length ?? 0
    if (!content.isReadable) unreadable.push(file)
    // Names of files and folders are bytes on the disk too.
    const plain = Buffer.concat([content.plain, Buffer.from(`\n${file}`)])
    for (const { form, what } of search(plain)) leaks.push({ file, what, form, layer: 'bytes' })
    if (content.decoded === null) continue
    for (const { form, what } of search(content.decoded)) leaks.push({ file, what, form, layer: 'decoded' })
  }
  return { leaks, unreadable, files, bytes, decoded }
}
