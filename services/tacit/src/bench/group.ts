/** An aggregator of a group, and a collector, on the brokers of KAFKA_BROKERS; keys and ClickHouse are a realm's. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DAY, systemClock } from '@tacit/contracts'
import { openKafkaLog } from '@tacit/event-log'
import { createLogKeys } from '@tacit/keyring'
import { readEnvironment } from '../house/environment.js'
import { openIngest } from '../house/ingest.js'
import { openGroupAggregator } from '../house/group-aggregator.js'
import { kafkaOptionsOf } from '../house/kafka.js'
import type { Realm } from '../house/realm.js'
import type { Measured } from './aggregator.js'

const MAX_SPOOL_BYTES = 1024 ** 3
const LOOK_EVERY_MS = 2

const alarm = (message: string): void => void process.stderr.write(`${message}\n`)

/** Topics of its own, so that nothing but what is measured is in them. @throws TacitError ERR_CONFIG_INVALID */
export async function openGroup({
  keeper,
  layout,
  rulebook,
  rulebooks,
  warehouse,
}: Realm): Promise<Measured> {
  const prefix = `bench-${randomBytes(4).toString('hex')}`
  const kafka = { ...kafkaOptionsOf(readEnvironment(process.env)), prefix }
  const clock = systemClock
  const spool = { dir: join(layout.dir, 'bench-spool'), maxBytes: MAX_SPOOL_BYTES, maxAgeMs: DAY }
  const log = await openKafkaLog({ kafka, clock, alarm, spool })
  const logKeys = createLogKeys(keeper.port)
  let appended = 0
  const counting = {
    ...log,
    append(...args: Parameters<typeof log.append>) {
      if (args[2] === undefined || args[2] === 'one') appended++
      return log.append(...args)
    },
  }
  const ingest = await openIngest({
    rulebook,
    notBefore: Number.NEGATIVE_INFINITY,
    clock,
    keeper: keeper.port,
    log: counting,
    logKeys,
    dir: layout.dir,
    ratePerToken: Number.MAX_SAFE_INTEGER,
    alarm,
  })
  const { commit, intake } = ingest
  const group = await openGroupAggregator({
    kafka,
    dir: layout.sharedState,
    rulebooks,
    log,
    logKeys,
    keeper: keeper.port,
    evidence: keeper.audit,
    warehouse,
    alarm,
  })
  const { aggregator } = group
  while (log.parts('aggregator').length === 0) await sleep(LOOK_EVERY_MS)
  await commit.watermark(clock.now())
  while ((await aggregator.stage()) === 0) await sleep(LOOK_EVERY_MS)
  let staged = 0
  return {
    intake,
    commit,
    async stage() {
      // What is on its way from the brokers comes meanwhile.
      while (staged < appended) {
        const taken = await aggregator.stage()
        staged += taken
        if (taken === 0) await sleep(LOOK_EVERY_MS)
      }
    },
    async close() {
      await ingest.close()
      await group.close()
      await log.close()
    },
  }
}
