/** The rulebook changes while beacons come, at midnight or within an hour: none is lost, each is decided by exactly one. */
import { setImmediate as turn } from 'node:timers/promises'
import { HOUR, MINUTE } from '@tacit/contracts'
import { shippedRulebook } from '@tacit/rulebook/testing'
import fc from 'fast-check'
import t from 'tap'
import type { RequestFacts } from './intake.js'
import { compileFor, memoryCollector, TestClock } from './testing/memory.js'
import { edSigner, grantedClaims } from './testing/tokens.js'

const MIDNIGHT = Date.parse('2026-11-19T00:00:00Z')
/** A tightening holds at once: within an hour, whose batch is another one all the same. */
const AT_ONCE = Date.parse('2026-11-18T23:30:00.500Z')
const erp = edSigner('erp-1')
const FORMER = shippedRulebook('erp')
/** Whoever is of operations is of `other` under it. */
const NEXT = shippedRulebook('erp', ['sales, operations]', 'sales]'], ['min_users: 10', 'min_users: 12'])
const TOKEN = erp.sign(grantedClaims(MIDNIGHT - MINUTE, { role: 'operations' }))
const TOKEN_AT_ONCE = erp.sign(grantedClaims(AT_ONCE - MINUTE, { role: 'operations' }))
const FACTS: RequestFacts = {
  source: 'beacon',
  address: null,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  origin: null,
  gpc: false,
  dnt: false,
}

/** A collector ten seconds before a moment from which another rulebook rules, with a token that is verified. */
async function before(moment = MIDNIGHT) {
  const clock = new TestClock(moment - 10_000)
  const collector = await memoryCollector({ keys: [erp.jwk], clock, ratePerToken: 1_000_000 })
  const { intake } = collector
  let ids = 0
  const answers: unknown[] = []
  /** Beacons of before and after use another kind of event, because a row tells neither its beacon nor its minute. */
  const send = (age = 0, token = moment === MIDNIGHT ? TOKEN : TOKEN_AT_ONCE) => {
    const name = clock.now() < moment ? 'invoice.save' : 'invoice.send'
    const events = [{ id: `e-${String(++ids)}`, name, age }]
    intake.accept({ v: 1, site: 'erp', token, events }, FACTS, (error) => answers.push(error))
  }
  send()
  while (answers.length === 0) await turn()
  const next = compileFor(NEXT, clock, moment === MIDNIGHT ? moment : undefined)
  intake.atTime(moment, () => intake.ruleBy(NEXT, next))
  return { ...collector, answers, send, sent: () => ids }
}

type Collector = Awaited<ReturnType<typeof before>>

async function settle({ answers, commit, sent }: Collector): Promise<void> {
  await commit.drain()
  while (answers.length < sent()) await turn()
}

/** For each batch, in order: its hash, and the names and roles of its rows of the day. */
async function batchesOf({ ledger }: Collector) {
  const { batches, ...totals } = await ledger()
  const found = batches.map(({ header, sections }) => {
    const days = sections.filter(({ section }) => section.stream === 'day')
    const rows = days.flatMap(({ rows: text }) => text.toString('utf8').split('\n').slice(0, -1))
    const words = rows.map((row) =>
      (JSON.parse(row) as unknown[]).filter((value) =>
        ['invoice.save', 'invoice.send', 'operations', 'other'].includes(String(value)),
      ),
    )
    return { hash: header.rulebook, words: words.map((known) => known.join(' ')) }
  })
  return { found, ...totals }
}

t.test('whenever beacons come around a change, none is lost and each has one rulebook', async (t) => {
  const step = fc.record({
    ms: fc.nat({ max: 40 }),
    beacons: fc.nat({ max: 6 }),
    changesDisk: fc.boolean(),
    turns: fc.nat({ max: 2 }),
  })
  const moments = fc.constantFrom(MIDNIGHT, AT_ONCE)
  let both = 0
  await fc.assert(
    fc.asyncProperty(moments, fc.array(step, { minLength: 60, maxLength: 120 }), async (moment, steps) => {
      const collector = await before(moment)
      const { clock, log, send } = collector
      const total = steps.reduce((sum, { ms }) => sum + ms, 0)
      clock.time = moment - Math.floor(total / 2)
      let isHeld = false
      for (const { beacons, changesDisk, ms, turns } of steps) {
        if (changesDisk) {
          if (isHeld) log.release()
          else log.hold()
          isHeld = !isHeld
        }
        clock.time += ms
        for (let at = 0; at < beacons; at++) send()
        for (let at = 0; at < turns; at++) await turn()
      }
      log.release()
      await settle(collector)
      const { accepted, dropped, found, received } = await batchesOf(collector)
      const sent = collector.sent()
      const lost = collector.answers.some((error) => error !== null)
      const order = found.map(({ hash }) =>
        hash === FORMER.hash ? 'former' : hash === NEXT.hash ? 'next' : '?',
      )
      if (order.includes('next')) both++
      const allowed = (hash: string): string =>
        hash === FORMER.hash ? 'invoice.save operations' : 'invoice.send other'
      return (
        !lost &&
        received === sent &&
        accepted === sent &&
        Object.keys(dropped).length === 0 &&
        // Never back: what the next one decided follows all that the former one did.
        /^(former )+(next )*$/.test(`${order.join(' ')} `) &&
        found.every(({ hash, words }) => words.every((word) => word === allowed(hash)))
      )
    }),
    { seed: 1, endOnFailure: true, numRuns: process.env['TACIT_TEST_FULL'] === '1' ? 500 : 25 },
  )
  t.ok(both > 20, `both ruled in ${String(both)} runs`)
})

t.test(
  'the beacon of the very midnight is the next one’s, that of a millisecond before is not',
  async (t) => {
    const collector = await before()
    const { clock, intake, send } = collector
    clock.time = MIDNIGHT - 1
    send()
    t.equal(intake.rulebook.hash, FORMER.hash)
    clock.time = MIDNIGHT
    send()
    t.equal(intake.rulebook.hash, NEXT.hash)
    await settle(collector)
    const { found } = await batchesOf(collector)
    t.strictSame(
      found.map(({ hash, words }) => [hash, words]),
      [
        [FORMER.hash, ['invoice.save operations']],
        [FORMER.hash, ['invoice.save operations']],
        [NEXT.hash, ['invoice.send other']],
      ],
    )
  },
)

t.test('a beacon whose token is still being verified at midnight is decided once, by the next', async (t) => {
  const collector = await before()
  const { clock, send } = collector
  clock.time = MIDNIGHT - 1
  send(0, erp.sign(grantedClaims(MIDNIGHT - MINUTE, { role: 'operations', sub: 'another' })))
  clock.time = MIDNIGHT
  await settle(collector)
  const { accepted, found, received } = await batchesOf(collector)
  t.strictSame([received, accepted], [2, 2])
  t.strictSame(found.at(-1), { hash: NEXT.hash, words: ['invoice.save other'] })
})

t.test('an event of before midnight that comes after it is late, and counted', async (t) => {
  const collector = await before()
  const { clock, send } = collector
  clock.time = MIDNIGHT + 5_000
  send(5_001)
  send(5_000)
  await settle(collector)
  const { accepted, dropped, found, received } = await batchesOf(collector)
  t.strictSame([received, accepted, dropped], [3, 2, { late: 1 }])
  t.equal(found.at(-1)?.hash, NEXT.hash)
})

t.test(
  'where no beacon comes, the clock alone changes the rulebook, and the watermark says so',
  async (t) => {
    const collector = await before()
    const { clock, commit, intake } = collector
    clock.time = MIDNIGHT - 1
    intake.lookAt(clock.now())
    t.equal(intake.rulebook.hash, FORMER.hash)
    clock.time = MIDNIGHT + HOUR
    intake.lookAt(clock.now())
    await commit.watermark(clock.now())
    const { headers } = await collector.ledger()
    t.match(headers.at(-1), { rulebook: NEXT.hash, watermark: true, hour: MIDNIGHT + HOUR })
  },
)

t.test('a change that is taken back before its moment changes nothing', async (t) => {
  const collector = await before()
  const { clock, intake, send } = collector
  intake.atTime(0, null)
  clock.time = MIDNIGHT + 1
  send()
  await settle(collector)
  const { found } = await batchesOf(collector)
  t.strictSame(found.at(-1), { hash: FORMER.hash, words: ['invoice.send operations'] })
})
