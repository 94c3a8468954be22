/**
 * Until when each writer of the log is done: what its watermarks say, read part by part. Pure.
 *
 * A watermark is a copy in each part, behind everything that its writer put there before. It holds once it was read in all
 * of them; they are read by different processes, so it comes part by part. A writer is known from its first mark on, and
 * waited for until its last one: what its spool holds comes when it is back.
 */
import type { BatchHeader, Mark } from '@tacit/contracts'

/** Boots of a writer that are remembered: a copy of an earlier one's mark that comes again changes nothing. */
const FORMER_BOOTS = 16

interface PartMark {
  readonly producer: string
  readonly batch: number
  /** ms: nothing of an hour before it follows */
  readonly hour: number
  /** nothing follows at all */
  readonly last: boolean
  /** producers of earlier boots, oldest first */
  readonly former: readonly string[]
}

/** What is known of one writer. */
export interface WriterMarks {
  /** parts that it writes to */
  readonly parts: number
  readonly byPart: Readonly<Record<string, PartMark>>
}

/** A writer after a mark was read in a part. A mark that was read there before changes nothing. */
export function withMark(
  known: WriterMarks | undefined,
  { batch, hour, producer }: Pick<BatchHeader, 'batch' | 'hour' | 'producer'>,
  { last, parts }: Mark,
  part: number,
): WriterMarks {
  const before = known?.byPart[part]
  const isKnown =
    before !== undefined &&
    (before.former.includes(producer) || (before.producer === producer && batch <= before.batch))
  if (isKnown) return known as WriterMarks
  const former =
    before === undefined || before.producer === producer
      ? (before?.former ?? [])
      : [...before.former, before.producer].slice(-FORMER_BOOTS)
  return {
    parts: Math.max(known?.parts ?? 0, parts),
    byPart: { ...known?.byPart, [part]: { producer, batch, hour, last: last === true, former } },
  }
}

/** Time (ms) before which nothing of a writer follows; 0 while a part was not heard of; Infinity where it has stopped. */
export function doneUntil({ byPart, parts }: WriterMarks): number {
  let until = Number.POSITIVE_INFINITY
  for (let part = 0; part < parts; part++) {
    const mark = byPart[part]
    if (mark === undefined) return 0
    if (!mark.last) until = Math.min(until, mark.hour)
  }
  return until
}

/** The latest hour (ms) that a writer spoke of. */
export function lastHeard({ byPart }: WriterMarks): number {
  return Math.max(0, ...Object.values(byPart).map(({ hour }) => hour))
}
