/** A log on Kafka for tests: topics of its own, short alarms, and ways to wait. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaOptions } from '../kafka/connection.js'
import { type KafkaLog, type KafkaLogOptions, openKafkaLog } from '../kafka/log.js'
import type { SpoolOptions } from '../kafka/spool.js'
import type { Access } from './brokers/index.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The hour that now lies in, ms. */
export function thisHour(): number {
  const now = Date.now()
  return now - (now % HOUR)
}

/** Options for topics that no other test uses. */
export function ownTopics(access: Access, partitions: number, replication: number): KafkaOptions {
  const { brokers, sasl, tls } = access
  return { brokers, sasl, tls, prefix: `test${randomBytes(6).toString('hex')}`, partitions, replication }
}

export interface TestLog {
  readonly log: KafkaLog
  /** what the log said through `alarm` */
  readonly alarms: string[]
}

/** Opens a log with a spool in `dir`. */
export async function openTestLog(
  kafka: KafkaOptions,
  dir: string,
  others: Partial<KafkaLogOptions> & { spool?: SpoolOptions } = {},
): Promise<TestLog> {
  const alarms: string[] = []
  const log = await openKafkaLog({
    kafka,
    clock: { now: () => Date.now() },
    alarm: (message) => alarms.push(message),
    spool: { dir, maxBytes: 32 * 1024 * 1024, maxAgeMs: DAY },
    ...others,
  })
  return { log, alarms }
}

/** Appends a record of reach `all` until one is acknowledged, so that Kafka knows the writer. */
export async function becomeKnown(log: KafkaLog, text = 'mark'): Promise<void> {
  await eventually(() =>
    log.append(Buffer.from(text), thisHour(), 'all').then(
      () => true,
      () => false,
    ),
  )
}

/** Resolves when `holds` is true; it is asked every 20 ms. Rejects after `ms`. */
export async function eventually(holds: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come true in time')
    await delay(20)
  }
}

/** Resolves when nothing waits in the spool. */
export function drained(log: KafkaLog): Promise<void> {
  return eventually(() => log.facts().spooledRecords === 0)
}
