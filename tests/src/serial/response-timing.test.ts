/**
 * INV-07: whoever sends a beacon cannot tell from the answer, nor from how long it takes, whether it was accepted,
 * dropped, refused by the person, or of somebody who is no adult.
 *
 * Times are measured in rounds over one connection: two accepted beacons and one of each other kind, in an order that is
 * drawn anew. What two samples of accepted beacons differ by is chance; another kind may differ by no more than the 99th
 * percentile of 200 such comparisons. One comparison in a hundred goes beyond that by chance too: a kind is told apart
 * only if it is in each of three measurements.
 */
import { ServerResponse } from 'node:http'
import t from 'tap'
import { seeded } from '../corpora/parts.js'
import { pageView, type RunningCollector, startCollector } from '../support/collector.js'
import { KeptConnection } from '../support/keep-alive.js'
import { requestBytes } from '../support/raw-http.js'
import { chance, distance, type Round } from '../support/timing.js'

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const ROUNDS = FULL ? 10_000 : 400
const WARM_UP = FULL ? 1_000 : 50
const COMPARISONS = 200
const MEASUREMENTS = 3
/** A small sample sees only what is coarse. */
const CONTROL_US = FULL ? 200 : 1_000

const random = seeded(7)
t.setTimeout(FULL ? 3_600_000 : 240_000)

/** A sender of each kind; every request is one of its own, of the same length as the others of its kind. */
function kindsOf(collector: RunningCollector): Readonly<Record<string, () => Buffer>> {
  const now = collector.clock.now()
  const at = new Date(now - 86_400_000).toISOString()
  const granted = collector.token()
  const refusing = collector.token({ consent: { analytics: 'denied', policy: '2026-11-01', at } })
  const minor = collector.token({ adult: false })
  const of = (token: string, event: Record<string, unknown>) => () =>
    requestBytes(collector.beacon([pageView(event)], { token }))
  return {
    accepted: of(granted, {}),
    'event unknown': of(granted, { name: 'page_vieW' }),
    pii: of(granted, { path: '/a@b.inn' }),
    denied: of(refusing, {}),
    'not adult': of(minor, {}),
  }
}

/** The time of one answer in µs. */
async function timeOf(connection: KeptConnection, bytes: Buffer): Promise<number> {
  const started = performance.now()
  const { status } = await connection.send(bytes)
  const ms = performance.now() - started
  if (status !== 204) throw new Error(`answered ${String(status)}`)
  return ms * 1000
}

function shuffled<T>(list: readonly T[]): T[] {
  const order = [...list]
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[order[at], order[other]] = [order[other] as T, order[at] as T]
  }
  return order
}

async function measure(collector: RunningCollector): Promise<readonly Round[]> {
  const kinds = kindsOf(collector)
  const connection = new KeptConnection(collector.port)
  const rounds: Round[] = []
  try {
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const times: Record<string, number> = {}
      const senders = { second: kinds['accepted'] as () => Buffer, ...kinds }
      for (const [kind, make] of shuffled(Object.entries(senders))) {
        times[kind] = await timeOf(connection, make())
      }
      const { accepted = 0, second = 0, ...others } = times
      if (round >= 0) rounds.push({ first: accepted, second, others })
    }
  } finally {
    connection.close()
  }
  return rounds
}

interface Verdict {
  /** the kinds that chance does not explain */
  readonly apart: readonly string[]
  readonly report: string
}

function judge(rounds: readonly Round[]): Verdict {
  const most = chance(rounds, COMPARISONS, () => random.below(2) === 0)
  const accepted = rounds.map(({ first }) => first)
  const kinds = Object.keys(rounds[0]?.others ?? {})
  const lines = [`chance: median ${most.median.toFixed(1)} µs, D ${most.ks.toFixed(4)}`]
  const apart = kinds.filter((kind) => {
    const { ks, median } = distance(
      accepted,
      rounds.map(({ others }) => others[kind] ?? 0),
    )
    lines.push(`${kind}: median ${median.toFixed(1)} µs, D ${ks.toFixed(4)}`)
    return median > most.median || ks > most.ks
  })
  return { apart, report: lines.join('; ') }
}

/** The kinds that are told apart in each of the measurements; it stops as soon as none is left. */
async function toldApart(collector: RunningCollector, say: (line: string) => void): Promise<string[]> {
  let suspects: string[] | null = null
  for (let at = 0; at < MEASUREMENTS && suspects?.length !== 0; at++) {
    const { apart, report } = judge(await measure(collector))
    say(report)
    suspects = suspects === null ? [...apart] : suspects.filter((kind) => apart.includes(kind))
  }
  return suspects ?? []
}

/** Makes answers to beacons of which an event was dropped leave a little later than others. @returns what undoes it */
function delayDropped({ commit }: RunningCollector): () => void {
  let late = false
  const { dropped } = commit
  const { end } = ServerResponse.prototype
  commit.dropped = (...args) => {
    late = true
    dropped.apply(commit, args)
  }
  ServerResponse.prototype.end = function delayed(this: ServerResponse, ...args: Parameters<typeof end>) {
    const until = late ? performance.now() + CONTROL_US / 1000 : 0
    late = false
    while (performance.now() < until);
    return end.apply(this, args)
  } as typeof end
  return () => {
    ServerResponse.prototype.end = end
  }
}

t.test('INV-07: the answers to all kinds of beacons are the same, byte for byte', async (t) => {
  t.setTimeout(FULL ? 3_600_000 : 240_000)
  const collector = await startCollector()
  t.teardown(() => collector.close())
  const connection = new KeptConnection(collector.port)
  const kinds = Object.entries(kindsOf(collector))
  const texts = new Set<string>()
  for (const [, make] of kinds) {
    const { body, head, status } = await connection.send(make())
    texts.add(`${head.replace(/\r\ndate: [^\r]*/i, '')}\r\n\r\n${body}`)
    t.equal(status, 204)
  }
  connection.close()
  t.equal(texts.size, 1, 'status, headers and body')
  const { accepted, dropped } = await collector.ledger()
  t.equal(accepted, 1, 'one kind was accepted')
  t.equal(Object.keys(dropped).length, kinds.length - 1, 'and each other dropped for a reason of its own')
})

t.test('INV-07: the times of the answers tell nothing', async (t) => {
  t.setTimeout(FULL ? 3_600_000 : 240_000)
  const collector = await startCollector()
  t.teardown(() => collector.close())
  const apart = await toldApart(collector, (line) => t.comment(line))
  t.same(apart, [], 'no kind is told apart from accepted ones')
})

t.test(`control: an answer that takes ${String(CONTROL_US)} µs longer is told apart`, async (t) => {
  t.setTimeout(FULL ? 3_600_000 : 240_000)
  const collector = await startCollector()
  t.teardown(() => collector.close())
  t.teardown(delayDropped(collector))
  const { apart, report } = judge(await measure(collector))
  t.comment(report)
  t.same([...apart].sort(), ['denied', 'event unknown', 'not adult', 'pii'])
})
