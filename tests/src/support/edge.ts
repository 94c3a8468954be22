/** What every test of an edge fault asks of the collector, whatever was sent. */
import { PROBLEMS, type ProblemCode } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { type Ledger, pageView, type RunningCollector, startCollector } from './collector.js'
import { type Answer, exchange, type PostOptions, requestBytes, type SendOptions } from './raw-http.js'

/** Planted in every request: no part of it may come back. */
export const MARK = 'qZ7marker'
const MARKED = {
  'user-agent': `Mozilla/5.0 ${MARK}`,
  origin: `https://${MARK}.example`,
  cookie: `id=${MARK}`,
}

/** Options of a request that carries the mark in its address and headers. */
export const marked = (options: PostOptions = {}): PostOptions => ({
  ...options,
  path: options.path ?? `/v1/beacon?q=${MARK}`,
  headers: { ...MARKED, ...options.headers },
})

/** That an answer is the problem of a code, and gives nothing of the request away. */
export function isProblem(t: Test, answer: Answer, code: ProblemCode): void {
  const { status, title } = PROBLEMS[code]
  t.equal(answer.status, status, `status of ${code}`)
  t.equal(answer.headers['content-type'], 'application/problem+json')
  t.same(JSON.parse(answer.body), { type: `https://tacit.invalid/problems/${code}`, title, status, code })
  t.notMatch(answer.head + answer.body, new RegExp(MARK, 'i'), 'no echo')
  t.equal(answer.headers['set-cookie'], undefined)
  t.equal(answer.headers['etag'], undefined)
}

export interface Edge {
  readonly collector: RunningCollector
  /** the text of a good beacon that carries the mark */
  good(): string
  /** a good beacon whose only event is this JSON, as it stands */
  withEvent(event: string): string
  /** a good beacon whose only event has these members too, as they stand */
  eventWith(members: string): string
  /** that the server lives: a good beacon is answered 204, and the ledger gained it and nothing else */
  takesGood(t: Test, before: Ledger): Promise<void>
  /** that a request is refused with a code, counted nowhere, and harms nobody */
  refuses(t: Test, bytes: string | Uint8Array, code: ProblemCode, options?: SendOptions): Promise<void>
  /** that a body is answered 204 and all its events are accepted */
  takes(t: Test, body: string | Uint8Array, events: number, options?: PostOptions): Promise<void>
  /** a test of `refuses` for each named body */
  refusedBodies(
    id: string,
    code: ProblemCode,
    bodies: Readonly<Record<string, string | Uint8Array>>,
    options?: PostOptions,
  ): void
}

/** Starts a collector to send faults to. */
export async function startEdge(): Promise<Edge> {
  const collector = await startCollector()
  const withEvent = (event: string) =>
    collector.beacon().replace(/"events":\[.*\]/, () => `"events":[${event}]`)

  async function takesGood(t: Test, before: Ledger): Promise<void> {
    const answer = await exchange(collector.port, requestBytes(collector.beacon()))
    t.equal(answer.status, 204, 'the next good beacon is taken')
    const after = await collector.ledger()
    t.equal(after.received, before.received + 1, 'the ledger counts the good beacon alone')
    t.equal(after.accepted, before.accepted + 1)
    t.equal(after.days.length, before.days.length + 1)
    t.same(after.dropped, before.dropped)
  }

  async function refuses(
    t: Test,
    bytes: string | Uint8Array,
    code: ProblemCode,
    options: SendOptions = {},
  ): Promise<void> {
    const before = await collector.ledger()
    isProblem(t, await exchange(collector.port, bytes, options), code)
    await takesGood(t, before)
  }

  return {
    collector,
    withEvent,
    takesGood,
    refuses,
    good: () => collector.beacon([pageView({ path: `/${MARK}` })]),
    eventWith: (members) =>
      withEvent(`{"id":"${MARK}","name":"page_view","age":0,"path":"/${MARK}",${members}}`),
    async takes(t, body, events, options = {}) {
      const before = await collector.ledger()
      const answer = await exchange(collector.port, requestBytes(body, options))
      t.equal(answer.status, 204)
      t.equal(answer.body, '')
      const after = await collector.ledger()
      t.equal(after.received, before.received + events)
      t.equal(after.accepted, before.accepted + events)
      t.same(after.dropped, before.dropped)
    },
    refusedBodies(id, code, bodies, options = {}) {
      for (const [name, body] of Object.entries(bodies)) {
        t.test(`${id}: ${name} is refused as ${code}`, (t) =>
          refuses(t, requestBytes(body, marked(options)), code),
        )
      }
    },
  }
}
