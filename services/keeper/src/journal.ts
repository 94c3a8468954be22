/**
 * The keeper's journal: what became of every epoch and every log hour. It never holds key material.
 *
 *     {"id":7,"stream":"day","epoch":"day:2026-08-05","event":"opened","at":"2026-08-05T00:00:01Z"}
 *
 * Invariants
 * - Lines are only ever appended; ids rise by one from 1, so a line lost in the middle shows.
 * - A durable append is on disk when it resolves. A failed one is as if it never was: the next overwrites it.
 * Recovery: a damaged end (a crash in an append that nobody was told of) is cut off by the next append; damage
 * before a good line is not of our making, and refuses to open, because forgetting what was destroyed could let
 * a second root for it come to be.
 */
import { rfc3339, TacitError } from '@tacit/contracts'
import type { KeyFiles } from './key-files.js'

const NAME = 'journal.ndjson'
const EVENTS = ['opened', 'closed', 'destroying', 'destroyed'] as const

export type JournalEvent = (typeof EVENTS)[number]

export interface JournalRecord {
  /** epoch label, or `hour:2026-08-05T10` */
  readonly epoch: string
  readonly event: JournalEvent
}

export interface Journal {
  /** All that stood in the journal when it was opened, in order. */
  readonly records: readonly JournalRecord[]
  /** @param at ms @param durable synced on return, with everything before it */
  append(records: readonly JournalRecord[], at: number, durable: boolean): Promise<void>
}

/** @throws TacitError ERR_KEY_STORE where the journal is damaged before its end, or gone while roots are there */
export async function openJournal(files: KeyFiles): Promise<Journal> {
  const existing = await files.read(NAME)
  if (existing === null) {
    if ((await files.list()).some((name) => /\.(?:root|key)$/.test(name))) {
      throw new TacitError('ERR_KEY_STORE', 'The key journal is gone: start with a new data directory')
    }
    await files.create(NAME, Buffer.alloc(0))
    await files.syncDirectory()
    return new FileJournal(files, [], 0)
  }
  const { records, length } = parse(existing)
  return new FileJournal(files, records, length)
}

class FileJournal implements Journal {
  readonly records: readonly JournalRecord[]
  readonly #files: KeyFiles
  #nextId: number
  /** bytes that count */
  #length: number

  constructor(files: KeyFiles, records: readonly JournalRecord[], length: number) {
    this.#files = files
    this.records = records
    this.#nextId = records.length + 1
    this.#length = length
  }

  async append(records: readonly JournalRecord[], at: number, durable: boolean): Promise<void> {
    if (records.length === 0) return
    const lines = records.map(({ epoch, event }, index) => {
      const stream = epoch.slice(0, epoch.indexOf(':'))
      return `${JSON.stringify({ id: this.#nextId + index, stream, epoch, event, at: rfc3339(at) })}\n`
    })
    const bytes = Buffer.from(lines.join(''), 'utf8')
    await this.#files.write(NAME, bytes, this.#length, durable)
    this.#nextId += records.length
    this.#length += bytes.length
  }
}

function parse(bytes: Buffer): { records: JournalRecord[]; length: number } {
  const records: JournalRecord[] = []
  let length = 0
  let damaged = false
  for (
    let start = 0, end = bytes.indexOf(0x0a);
    end >= 0;
    start = end + 1, end = bytes.indexOf(0x0a, start)
  ) {
    const entry = parseLine(bytes.toString('utf8', start, end))
    if (entry === null) {
      damaged = true
      continue
    }
    if (damaged || entry.id !== records.length + 1) {
      throw new TacitError('ERR_KEY_STORE', 'The key journal is damaged: start with a new data directory')
    }
    records.push({ epoch: entry.epoch, event: entry.event })
    length = end + 1
  }
  return { records, length }
}

function parseLine(line: string): { id: number; epoch: string; event: JournalEvent } | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (!('id' in value && 'epoch' in value && 'event' in value)) return null
  const { id, epoch } = value
  const event = EVENTS.find((known) => known === value.event)
  if (typeof id !== 'number' || typeof epoch !== 'string' || event === undefined) return null
  return { id, epoch, event }
}
