/** The log on brokers that benchmarks fill. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DAY, systemClock } from '@tacit/contracts'
import { type KafkaOptions, openKafkaLog } from '@tacit/event-log'
import { readEnvironment } from '../house/environment.js'
import { kafkaOptionsOf } from '../house/kafka.js'

const MAX_SPOOL_BYTES = 1024 ** 3
const MARK_ATTEMPTS = 60
const MARK_EVERY_MS = 500

/** @param dir where its spool goes @param own settings instead of the environment's @throws TacitError ERR_CONFIG_INVALID */
export function openBrokerLog(dir: string, own: Partial<KafkaOptions> = {}) {
  return openKafkaLog({
    kafka: { ...kafkaOptionsOf(readEnvironment(process.env)), ...own },
    clock: systemClock,
    alarm: (message) => process.stderr.write(`${message}\n`),
    spool: { dir: join(dir, 'bench-spool'), maxBytes: MAX_SPOOL_BYTES, maxAgeMs: DAY },
  })
}

/** Brokers take nothing of a collector that the log does not know of; topics may have to be made first. */
export async function untilMarked(mark: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mark()
      return
    } catch (error) {
      if (attempt === MARK_ATTEMPTS) throw error
      await sleep(MARK_EVERY_MS)
    }
  }
}
