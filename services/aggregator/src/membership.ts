/** How an aggregator works with others on one log: alone, or as a member of a group (group.ts). */
import { type BatchHeader, readBatchHeader } from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import type { AppliedBatch } from './records.js'
import type { AggregatorState } from './state.js'

/** The consumer group of the log. */
export const CONSUMER_GROUP = 'aggregator'

/** What became of batches of one part of the log. */
export interface Report {
  readonly batches: readonly AppliedBatch[]
  /** position up to which everything of the part was looked at */
  readonly last: number
  /** records that were torn or corrupt */
  readonly corrupt: number
}

export interface Membership {
  /** whether nobody else reads the log, nor has keys of its hours */
  readonly isAlone: boolean
  /** whether this process is the owner, as far as it knows */
  readonly isOwner: boolean
  /**
   * Whether this process settles and releases now, and writes the state. In a group it takes over what is free; from then on
   * whoever had it before is fenced. @throws TacitError ERR_LOG_… where that cannot be known now
   */
  own(): Promise<boolean>
  /** Makes a report durable; it may come again, and counts once. */
  report(report: Report): Promise<void>
  /** Counts what was reported since; the owner's. */
  collect(): Promise<void>
  /** Headers of batches in the log that were not counted yet, as far as they are known here. */
  uncounted(): Iterable<BatchHeader>
}

const TAIL_RECORDS = 1_000
const TAIL_BYTES = 16 * 1024 * 1024

/** The only aggregator of a log that has one part: what it reports is counted at once. */
export function soleMember(log: EventLog, state: AggregatorState): Membership {
  return {
    isAlone: true,
    isOwner: true,
    own: async () => true,
    report: ({ batches, corrupt, last }) => state.apply(batches, last, corrupt),
    collect: async () => {},
    *uncounted() {
      const [part] = log.parts(CONSUMER_GROUP)
      if (part === undefined) return
      for (let after = state.counted; ; ) {
        const slice = part.read(after, TAIL_RECORDS, TAIL_BYTES)
        for (const { bytes } of slice.records) {
          const header = headerOf(bytes)
          if (header !== null) yield header
        }
        if (slice.last === after) return
        after = slice.last
      }
    },
  }
}

/** Of a process that reads what others made of the log. */
export const readingMember: Membership = {
  isAlone: false,
  isOwner: false,
  own: async () => false,
  report: async () => {},
  collect: async () => {},
  uncounted: () => [],
}

/** A damaged record is the stager's to report. */
function headerOf(bytes: Buffer): BatchHeader | null {
  try {
    return readBatchHeader(bytes)
  } catch {
    return null
  }
}
