/** One step of the stager: what one insert takes from the log, and how its batches are told apart. Pure. */
import type { OpenedBatch, Stream } from '@tacit/contracts'
import type { LogRecord } from '@tacit/event-log'
import type { BatchRange } from '@tacit/warehouse'
import type { AppliedBatch } from './records.js'
import { runsOf } from './seen.js'

export interface Step {
  readonly after: number
  readonly last: number
  readonly corrupt: number
  /** nothing was left in the log when it was read */
  readonly atEnd: boolean
  readonly opened: { readonly record: LogRecord; readonly batch: OpenedBatch }[]
  readonly fates: Map<number, AppliedBatch>
  /** producer and number of each batch in it */
  readonly names: Set<string>
}

/** Batches by the rulebook that decided them, nearly always one. */
export function byRulebook(opened: Step['opened']): readonly Step['opened'][] {
  const parts = new Map<string, Step['opened']>()
  for (const one of opened) {
    const { rulebook } = one.batch.header
    const part = parts.get(rulebook)
    if (part === undefined) parts.set(rulebook, [one])
    else part.push(one)
  }
  return [...parts.values()]
}

export function rowsOf(batch: OpenedBatch, stream?: Stream): number {
  let rows = 0
  for (const { section } of batch.sections) {
    if (stream !== undefined && section.stream !== stream) continue
    for (const count of Object.values(section.rows)) rows += count
  }
  return rows
}

export function sectionsOf(batch: OpenedBatch, stream: Stream): Buffer[] {
  return batch.sections.filter(({ section }) => section.stream === stream).map(({ rows }) => rows)
}

export function streamsOf(step: Step): Set<Stream> {
  return new Set(step.opened.flatMap(({ batch }) => batch.sections.map(({ section }) => section.stream)))
}

/**
 * The batches of a step as runs of consecutive numbers per producer. A gap ends a run: the batch between may belong
 * to another step, and its rows must not stand in for missing ones.
 */
export function rangesOf(step: Step): BatchRange[] {
  const numbers = new Map<string, number[]>()
  for (const { batch } of step.opened) {
    const { producer, batch: number } = batch.header
    const known = numbers.get(producer)
    if (known === undefined) numbers.set(producer, [number])
    else known.push(number)
  }
  return [...numbers].flatMap(([producer, batches]) =>
    runsOf(batches).map(([from, to]) => ({ producer, from, to })),
  )
}
