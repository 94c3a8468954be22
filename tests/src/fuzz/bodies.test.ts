/**
 * Fuzzing of bodies: random and mutated ones go the whole way in memory, from bytes to records. None throws, none takes
 * longer than 50 ms, and whatever comes out names nothing of what went in.
 */
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import {
  type Address,
  compileAnonymizer,
  createUserAgentReader,
  MAX_RAW_AGE_MS,
  NO_PERSON,
  parseAddress,
} from '@tacit/anonymizer'
import { parseBeaconText, tokenClaims } from '@tacit/contracts'
import { createPseudonymizer } from '@tacit/keyring'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { claimsAt, CORPUS_NOW, goodBody, goodEvent, seeded } from '../corpora/parts.js'
import { cpuMs, mutate, randomBytesOf } from '../support/mutate.js'

// The long form takes minutes; the runner bounds the file.
t.setTimeout(0)

const CASES = process.env['TACIT_TEST_FULL'] === '1' ? 180_000 : 18_000
const MOST_MS = 50
const NOW = Date.parse(CORPUS_NOW)
const MARK = 'nokadupizo'

const random = seeded(1)
const clock = { now: () => NOW }
const agents = createUserAgentReader({ maxEntries: 1_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
const anonymizer = compileAnonymizer(shippedRulebook('erp'), { agents, clock })
const key = createPseudonymizer(randomBytes(32))
const claims = tokenClaims.parse(claimsAt(CORPUS_NOW))
const address = parseAddress('203.0.113.77') as Address

/** What a body becomes, as text: records and counts, or the code of its problem. */
function processBody(body: Buffer): string {
  if (!isUtf8(body)) return 'ERR_BEACON_ENCODING'
  const beacon = parseBeaconText(body.toString('utf8'))
  if (typeof beacon === 'string') return beacon
  const out: string[] = []
  anonymizer.process(
    {
      source: 'beacon',
      beacon,
      address,
      userAgent: '',
      origin: 'https://erp.example.in',
      gpc: false,
      dnt: false,
      token: { state: 'valid', claims },
      person: NO_PERSON,
      allowance: beacon.events.length,
    },
    NOW,
    () => key,
    {
      row: (stream, epoch, tail) => out.push(stream, epoch, tail),
      accepted: () => out.push('accepted'),
      dropped: (_hour, reason) => out.push(reason),
      removedProps: () => undefined,
      detected: (detector, field) => out.push(detector, field),
    },
  )
  return out.join(' ')
}

/** Bodies to start from: rich ones, with a mark in every text that no rule lets pass. */
const SEEDS = [
  goodBody([goodEvent({ path: `/${MARK}`, props: { load_ms: 812, [MARK]: MARK, search_text: MARK } })]),
  goodBody([goodEvent({ id: MARK }), goodEvent({ path: `/customers/${MARK}/invoice/${MARK}` })], {
    consent: { analytics: 'granted' },
    client: { utc_offset: 330, language: MARK },
  }),
  goodBody([goodEvent({ name: MARK }), goodEvent({ path: `/a/${MARK}@example.in` })]),
].map((body) => Buffer.from(JSON.stringify(body)))

/** The best of three: what else this machine does is not the body's. */
function timeOf(body: Buffer): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3 && best > MOST_MS; round++) {
    const started = cpuMs()
    processBody(body)
    best = Math.min(best, cpuMs() - started)
  }
  return best
}

t.test(`${CASES.toLocaleString('en-GB')} bodies: no crash, no hang, no echo`, async (t) => {
  const outcomes = new Map<string, number>()
  let slowest = 0
  for (let at = 0; at < CASES; at++) {
    const body = at % 10 === 0 ? randomBytesOf(random, 2_000) : mutate(random.pick(SEEDS), random)
    const started = cpuMs()
    const out = processBody(body)
    const ms = cpuMs() - started
    const settled = ms > MOST_MS ? timeOf(body) : ms
    slowest = Math.max(slowest, settled)
    if (settled > MOST_MS) t.fail(`case ${String(at)} took ${settled.toFixed(0)} ms`)
    if (out.includes(MARK)) t.fail(`case ${String(at)} echoes`)
    const outcome = /^ERR_\w+$/.test(out) ? out : out.startsWith('day') ? 'accepted' : 'dropped'
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  t.comment(`slowest ${slowest.toFixed(1)} ms; ${JSON.stringify(Object.fromEntries(outcomes))}`)
  for (const outcome of [
    'accepted',
    'dropped',
    'ERR_BEACON_JSON',
    'ERR_BEACON_MALFORMED',
    'ERR_BEACON_ENCODING',
  ]) {
    t.ok((outcomes.get(outcome) ?? 0) > 100, `many are ${outcome}`)
  }
})

t.test('control: a record that held a mark would be found', async (t) => {
  const body = JSON.stringify(goodBody([goodEvent({ path: '/customers' })]))
  t.match(processBody(Buffer.from(body)), /^day .*"\/customers"/, 'what a rule lets pass is in the output')
})
