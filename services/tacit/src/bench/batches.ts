/**
 * What a sealed batch costs on brokers, by its size and by the number of partitions: how the defaults of both were chosen.
 * Batches of random bytes, as sealed ones look to Kafka, are appended one after the other in few lanes, as a group commit does.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hourOf, systemClock } from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import { openBrokerLog, untilMarked } from './broker-log.js'
import { median, round2 } from './servers.js'

const PARTITIONS = [1, 6, 24]
const EVENTS = [1, 10, 100, 500]
/** of one row, sealed */
const EVENT_BYTES = 150
const LANES = 2
const WARM_UP_MS = 500

export interface BatchCost {
  readonly partitions: number
  readonly events_per_batch: number
  /** of this process: what a collector pays to append, without the rest of its work */
  readonly cpu_us_per_event: number
  /** until all in-sync replicas have it, median */
  readonly append_ms: number
  readonly events_per_second: number
}

async function append(log: EventLog, bytes: Buffer, ms: number): Promise<number[]> {
  const end = performance.now() + ms
  const took: number[] = []
  const lane = async (): Promise<void> => {
    for (let started = performance.now(); started < end; started = performance.now()) {
      await log.append(bytes, hourOf(systemClock.now()), 'one')
      took.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return took
}

async function costOf(log: EventLog, partitions: number, events: number, ms: number): Promise<BatchCost> {
  const bytes = randomBytes(events * EVENT_BYTES)
  await append(log, bytes, WARM_UP_MS)
  const before = process.cpuUsage()
  const started = performance.now()
  const took = await append(log, bytes, ms)
  const seconds = (performance.now() - started) / 1_000
  const { system, user } = process.cpuUsage(before)
  const count = took.length * events
  return {
    partitions,
    events_per_batch: events,
    cpu_us_per_event: round2((system + user) / count),
    append_ms: round2(median(took)),
    events_per_second: Math.round(count / seconds),
  }
}

/**
 * @param seconds of each measurement @param onStep told before each
 * @throws TacitError ERR_CONFIG_INVALID without brokers
 */
export async function benchBatches(seconds: number, onStep: (what: string) => void): Promise<BatchCost[]> {
  const costs: BatchCost[] = []
  for (const partitions of PARTITIONS) {
    const dir = mkdtempSync(join(tmpdir(), 'tacit-bench-'))
    const prefix = `bench-${randomBytes(4).toString('hex')}`
    const log = await openBrokerLog(dir, { partitions, prefix })
    try {
      await untilMarked(() => log.append(Buffer.from('mark'), hourOf(systemClock.now()), 'all'))
      for (const events of EVENTS) {
        onStep(`${String(partitions)} partitions, ${String(events)} events a batch`)
        costs.push(await costOf(log, partitions, events, seconds * 1_000))
      }
    } finally {
      await log.close()
      rmSync(dir, { recursive: true, force: true })
    }
  }
  return costs
}
