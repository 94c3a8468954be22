/** Load on a collector that may die at any moment: what was sent, and what was answered. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BeaconSource, SentBeacon } from './beacons.js'

const CONNECTIONS = 16
const PAUSE_MS = 20

export interface Load {
  /** Stops sending, waits for the answers under way, and says how many were there. */
  stop(): Promise<void>
  /** beacons answered so far */
  readonly answered: number
  /** answers that no beacon should have had, as `<status> for <expected>` */
  readonly wrong: readonly string[]
}

export interface LoadOptions {
  readonly origin: string
  readonly source: BeaconSource
  /** everything sent is added here, before it is */
  readonly sent: SentBeacon[]
  /** beacons, at most */
  readonly most: number
}

/** Keeps {@link CONNECTIONS} connections busy until stopped, or until `most` beacons were sent. */
export function startLoad({ most, origin, sent, source }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const wrong: string[] = []
  let stopping = false
  let answered = 0
  let left = most

  async function work(): Promise<void> {
    while (!stopping && left-- > 0) {
      const beacon = source.make()
      beacon.sentAt = Date.now()
      sent.push(beacon)
      const status = await post(origin, beacon, agent)
      beacon.until = Date.now()
      if (status === null || status === 503) {
        // Nothing was promised. A client that goes on at once would only fill the list of what was never taken.
        await sleep(PAUSE_MS)
        continue
      }
      answered++
      beacon.acknowledged = status === 204
      if (status !== beacon.status) wrong.push(`${status} for ${beacon.status}`)
    }
  }

  const workers = Array.from({ length: CONNECTIONS }, work)
  return {
    get answered() {
      return answered
    },
    wrong,
    async stop() {
      stopping = true
      await Promise.all(workers)
      agent.destroy()
    },
  }
}

/** The status; null where no answer came, whatever the reason. */
export function post(
  origin: string,
  beacon: Pick<SentBeacon, 'body' | 'headers'>,
  agent: Agent,
): Promise<number | null> {
  return new Promise((resolve) => {
    const outgoing = request(
      `${origin}/v1/beacon`,
      { method: 'POST', agent, headers: beacon.headers },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? null)
        answer.on('error', () => undefined)
      },
    )
    outgoing.on('error', () => resolve(null))
    outgoing.setTimeout(10_000, () => outgoing.destroy())
    outgoing.end(beacon.body)
  })
}
