/** When the audit log of a data directory was last written, read off its last line and nothing else. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { MINUTE, parseInstant } from '@tacit/contracts'
import type { RealmLayout } from './layout.js'

/** No line is longer, so the last whole one lies within twice as much. */
const TAIL_BYTES = 8_192

/**
 * The time of the last whole entry, rounded down to the minute as a live time is, ms. Null where there is none, and where
 * the line is no entry: then whoever opens the log refuses it by name.
 */
export function lastEntryTime({ audit }: Pick<RealmLayout, 'audit'>): number | null {
  const line = tailOf(join(audit, 'entries.ndjson')).split('\n').at(-2)
  if (line === undefined) return null
  try {
    const { entry } = JSON.parse(line) as { readonly entry: { readonly time: string } }
    const time = parseInstant(entry.time)
    return Number.isNaN(time) ? null : time - (time % MINUTE)
  } catch {
    return null
  }
}

function tailOf(path: string): string {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
  try {
    const { size } = fstatSync(file)
    const start = Math.max(0, size - TAIL_BYTES)
    const tail = Buffer.alloc(size - start)
    return tail.toString('latin1', 0, readSync(file, tail, 0, tail.length, start))
  } finally {
    closeSync(file)
  }
}
