/** An aggregator of a group, and a collector, on the brokers of KAFKA_BROKERS; keys and ClickHouse are a realm's. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CONSUMER_GROUP } from '@tacit/aggregator'
import { systemClock } from '@tacit/contracts'
import { type KafkaLog, openKafkaLog } from '@tacit/event-log'
import { createLogKeys } from '@tacit/keyring'
import { readEnvironment } from '../house/environment.js'
import { openIngest } from '../house/ingest.js'
import { openGroupAggregator } from '../house/group-aggregator.js'
import { kafkaOptionsOf } from '../house/kafka.js'
import type { Realm } from '../house/realm.js'
import type { Measured } from './aggregator.js'
import { openBrokerLog, untilMarked } from './broker-log.js'

const LOOK_EVERY_MS = 20
/** of the sample's: a hundred rows and more, as collectors under load write them */
const BEACONS_PER_BATCH = 40

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
  const log = await openBrokerLog(layout.dir, kafka)
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
  let reader: KafkaLog | null = null
  const group = await openGroupAggregator({
    kafka,
    dir: layout.sharedState,
    rulebooks,
    log: { ...log, parts: (name) => reader?.parts(name) ?? [] },
    logKeys,
    keeper: keeper.port,
    evidence: keeper.audit,
    warehouse,
    alarm,
  })
  const { aggregator } = group
  const stopReading = async (): Promise<void> => {
    await reader?.close()
    reader = null
  }
  const startReading = async (): Promise<void> => {
    reader = await openKafkaLog({ kafka, clock, alarm })
    while (reader.parts(CONSUMER_GROUP).length === 0) await sleep(LOOK_EVERY_MS)
  }
  await untilMarked(() => commit.watermark(clock.now()))
  await startReading()
  while ((await aggregator.stage()) === 0) await sleep(LOOK_EVERY_MS)
  await stopReading()
  let staged = 0
  return {
    intake,
    commit,
    beaconsPerBatch: BEACONS_PER_BATCH,
    startReading,
    async stage() {
      // What is on its way from the brokers comes meanwhile.
      while (staged < appended) {
        const taken = await aggregator.stage()
        staged += taken
        if (taken === 0) await sleep(LOOK_EVERY_MS)
      }
    },
    stopReading,
    async close() {
      await stopReading()
      await ingest.close()
      await group.close()
      await log.close()
    },
  }
}
