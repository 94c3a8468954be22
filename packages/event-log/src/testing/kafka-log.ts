/** A log on Kafka for tests: topics of its own, short alarms, and ways to wait. */
import type { KafkaOptions } from '../kafka/connection.js'
import { type KafkaLog, type KafkaLogOptions, openKafkaLog } from '../kafka/log.js'
import type { SpoolOptions } from '../kafka/spool.js'
import { until } from './until.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** a broker's start on a busy machine */
const PATIENCE_MS = 60_000

/** The hour that now lies in, ms. */
export function thisHour(): number {
  const now = Date.now()
  return now - (now % HOUR)
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
  const known = () =>
    log.append(Buffer.from(text), thisHour(), 'all').then(
      () => true,
      () => false,
    )
  await until(known, PATIENCE_MS)
}

/** Resolves when nothing waits in the spool. */
export async function drained(log: KafkaLog): Promise<void> {
  await until(() => log.facts().spooledRecords === 0, PATIENCE_MS)
}
