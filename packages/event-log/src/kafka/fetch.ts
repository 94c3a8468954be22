/** Fetching from the leaders of a topic's partitions, and where partitions begin and end. */
import { type FetchedMessage, type FetchedPartition, nameOf, answered } from './cluster.js'
import type { Link } from './link.js'

/** a broker's own time for a request, on top of what it was asked to wait */
const ANSWER_MS = 10_000
const READ_COMMITTED = 1
const EARLIEST = -2
const LATEST = -1

export interface Want {
  readonly partition: number
  /** offset of the first message wanted */
  readonly offset: number
  /** at most, except that a first message larger than this comes whole */
  readonly maxBytes: number
}

export interface Limits {
  /** of all partitions together */
  readonly maxBytes: number
  /** how long the broker may wait for a first message, ms */
  readonly waitMs: number
}

/** What a partition holds, in offsets: the first one, and the one after the last committed. */
export interface Range {
  readonly first: number
  readonly end: number
}

export interface Committed {
  /** in order; no control records, nothing of aborted transactions */
  readonly messages: readonly FetchedMessage[]
  /** the offset after the last message looked at, those left out included */
  readonly next: number
  /** the offset after the last one that could be read when this was fetched */
  readonly end: number
}

/** The partition of which a fetch asked for an offset that it does not have; null for any other error. */
export function outOfRange(error: unknown): number | null {
  if (nameOf(error) !== 'OFFSET_OUT_OF_RANGE') return null
  return error instanceof Error && 'partition' in error && typeof error.partition === 'number'
    ? error.partition
    : null
}

/** One fetch from one node that leads all the partitions wanted. */
export async function fetchFrom(
  link: Link,
  nodeId: number,
  wants: readonly Want[],
  { maxBytes, waitMs }: Limits,
): Promise<readonly FetchedPartition[]> {
  const request = async (): Promise<readonly FetchedPartition[]> => {
    const broker = await link.broker(nodeId, 'fetches')
    const partitions = wants.map(({ partition, offset, maxBytes: most }) => ({
      partition,
      fetchOffset: String(offset),
      maxBytes: most,
    }))
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes,
      topics: [{ topic: link.topic, partitions }],
    })
    return responses.flatMap((response) => response.partitions)
  }
  return await answered(waitMs + ANSWER_MS, request())
}

/** Where a partition begins and ends now. */
export async function rangeOf(link: Link, partition: number): Promise<Range> {
  const nodeId = link.leaderOf(partition)
  if (nodeId === null) throw new Error('a partition has no leader now')
  const offsetAt = async (timestamp: number): Promise<number> => {
    const broker = await link.broker(nodeId)
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_COMMITTED,
      topics: [{ topic: link.topic, partitions: [{ partition, timestamp }] }],
    })
    return Number(responses[0]?.partitions[0]?.offset)
  }
  const first = await answered(ANSWER_MS, offsetAt(EARLIEST))
  return { first, end: await answered(ANSWER_MS, offsetAt(LATEST)) }
}

/**
 * What of a fetch counts: messages from `offset` on that stand outside transactions or in committed ones.
 * The broker lists the aborted ones, in no promised order; each ends at its producer's next control record.
 */
export function committedOf(fetched: FetchedPartition, offset: number): Committed {
  const aborted = [...fetched.abortedTransactions].sort(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  )
  const open = new Set<string>()
  const messages: FetchedMessage[] = []
  let next = offset
  for (const message of fetched.messages) {
    const at = Number(message.offset)
    const producer = message.batchContext?.producerId ?? ''
    while (aborted[0] !== undefined && Number(aborted[0].firstOffset) <= at) {
      open.add(aborted[0].producerId)
      aborted.shift()
    }
    if (message.isControlRecord) open.delete(producer)
    const stands = !(message.batchContext?.inTransaction === true && open.has(producer))
    if (at < next) continue
    next = at + 1
    if (stands && !message.isControlRecord) messages.push(message)
  }
  return { messages, next, end: Number(fetched.lastStableOffset) }
}
