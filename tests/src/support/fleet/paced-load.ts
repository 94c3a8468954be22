/** Load on several collectors at a steady pace: what was sent, and what was answered. A client is sent to another one when one does not answer. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BeaconSource, SentBeacon } from '../crash/beacons.js'
import { post } from '../crash/load.js'

/** Requests under way at once, at most: a collector that hangs must not take the load off the others. */
const MOST_UNDER_WAY = 64

export interface PacedLoad {
  /** by status; 0: no answer */
  readonly answers: ReadonlyMap<number, number>
  /** answers that no beacon should have had */
  readonly wrong: readonly string[]
  /** Stops sending, and waits for the answers under way. */
  stop(): Promise<void>
}

export interface PacedLoadOptions {
  readonly origins: readonly string[]
  readonly source: BeaconSource
  /** everything sent is added here, before it is */
  readonly sent: SentBeacon[]
  /** beacons a second */
  readonly rate: number
  /** what the collectors take for the time now, ms */
  readonly now: () => number
}

export function startPacedLoad({ now, origins, rate, sent, source }: PacedLoadOptions): PacedLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_UNDER_WAY })
  const answers = new Map<number, number>()
  const wrong: string[] = []
  const underWay = new Set<Promise<void>>()
  let stopping = false

  async function send(beacon: SentBeacon, origin: string): Promise<void> {
    const status = (await post(origin, beacon, agent)) ?? 0
    beacon.until = now()
    answers.set(status, (answers.get(status) ?? 0) + 1)
    if (status === 0 || status === 503) return
    beacon.acknowledged = status === 204
    if (status !== beacon.status) wrong.push(`${String(status)} for ${String(beacon.status)}`)
  }

  async function run(): Promise<void> {
    const started = performance.now()
    for (let number = 0; !stopping; number++) {
      const wait = started + (number * 1_000) / rate - performance.now()
      if (wait > 1) await sleep(wait)
      if (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay)
      const beacon = source.make()
      beacon.sentAt = now()
      sent.push(beacon)
      const done = send(beacon, origins[number % origins.length] as string).finally(() =>
        underWay.delete(done),
      )
      underWay.add(done)
    }
    await Promise.all(underWay)
  }

  const running = run()
  return {
    answers,
    wrong,
    async stop() {
      stopping = true
      await running
      agent.destroy()
    },
  }
}
