/** What is in a topic, read by the plain client: for tests that count what a writer left there. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { KafkaOptions } from '../kafka/connection.js'
import { kafkaClient } from '../kafka/connection.js'
import { numberOf } from './lines.js'

const END_ATTEMPTS = 50
const END_EVERY_MS = 200

export interface Found {
  readonly part: number
  readonly offset: number
  readonly text: string
  /** ms, as the record says */
  readonly timestamp: number
  readonly hasKey: boolean
  readonly headers: number
}

/** Of who led a moment ago the client takes "not the leader" for the answer, and asks nobody else. */
async function endsOf(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      if (attempt === END_ATTEMPTS) throw error
      await sleep(END_EVERY_MS)
    }
  }
}

/** Everything in a topic now, in order within each part. */
export async function readTopic(options: KafkaOptions, topic: string): Promise<Found[]> {
  const kafka = kafkaClient(options)
  const admin = kafka.admin()
  await admin.connect()
  const ends = await endsOf(admin, topic)
  await admin.disconnect()
  const missing = new Map(
    ends.filter(({ high, low }) => high !== low).map(({ high, partition }) => [partition, Number(high)]),
  )
  const found: Found[] = []
  if (missing.size === 0) return found
  const consumer = kafka.consumer({ groupId: `test-${randomBytes(8).toString('hex')}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch: { messages, partition } }) => {
          const end = missing.get(partition)
          if (end === undefined) return
          for (const { headers = {}, key, offset, timestamp, value } of messages) {
            if (Number(offset) >= end) continue
            found.push({
              part: partition,
              offset: Number(offset),
              text: value?.toString('latin1') ?? '',
              timestamp: Number(timestamp),
              hasKey: key !== null,
              headers: Object.keys(headers).length,
            })
          }
          if (Number(messages.at(-1)?.offset) >= end - 1) missing.delete(partition)
          if (missing.size === 0) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return found.sort((a, b) => a.part - b.part || a.offset - b.offset)
}

/** The numbers of {@link numbered} records, in order within each part. */
export function numbersOf(found: readonly Found[]): number[] {
  return found.map(({ text }) => numberOf({ position: 0, hour: 0, bytes: Buffer.from(text, 'latin1') }))
}

/** What was promised and is missing, what is there twice, and what nobody sent. */
export function tally(
  acknowledged: readonly number[],
  sent: number,
  found: readonly number[],
): { lost: number[]; doubled: number; invented: number } {
  const unique = new Set(found)
  return {
    lost: acknowledged.filter((number) => !unique.has(number)),
    doubled: found.length - unique.size,
    invented: [...unique].filter((number) => !(number >= 1 && number <= sent)).length,
  }
}

/**
 * What breaks the order that a log promises to one caller who appends one record after the other: `sent` in that order,
 * `marks` those of reach `all`. A record that is there twice may lie anywhere a second time.
 */
export function disorder(
  found: readonly Found[],
  sent: readonly number[],
  marks: ReadonlySet<number>,
): string[] {
  const turn = new Map(sent.map((number, at) => [number, at]))
  const numbers = numbersOf(found)
  const copies = new Map<number, number>()
  for (const number of numbers) copies.set(number, (copies.get(number) ?? 0) + 1)
  const broken: string[] = []
  const parts = new Set(found.map(({ part }) => part))
  for (const part of parts) {
    const here = numbers.filter((_, at) => found[at]?.part === part)
    let latest = -1
    for (const [at, number] of here.entries()) {
      const mine = turn.get(number) ?? -1
      const isFirst = here.indexOf(number) === at
      const isOnly = copies.get(number) === (marks.has(number) ? parts.size : 1)
      // where it lies twice, the copy that counts may be the other one
      if (mine < latest && isFirst && isOnly)
        broken.push(`part ${part}: ${number} came after what followed it`)
      if (isFirst) latest = Math.max(latest, mine)
    }
    for (const mark of marks)
      if (copies.has(mark) && !here.includes(mark)) broken.push(`part ${part}: no ${mark}`)
  }
  return broken
}
