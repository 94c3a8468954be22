import { setImmediate as turn } from 'node:timers/promises'
import { parseAddress } from '@tacit/anonymizer'
import type { Beacon } from '@tacit/contracts'
import t from 'tap'
import type { Intake, RequestFacts } from './intake.js'
import { memoryCollector, TestClock } from './testing/memory.js'
import { edSigner, grantedClaims } from './testing/tokens.js'
import { FORGED, type VerifiedToken } from './token-claims.js'
import { createTokenVerifier, importTokenKeys, type TokenVerifier } from './tokens.js'

const START = Date.parse('2026-11-18T10:20:30Z')
const MINUTE = 60_000
const erp = edSigner('erp-1')
const FACTS: RequestFacts = {
  source: 'beacon',
  address: null,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  origin: null,
  gpc: false,
  dnt: false,
}

let ids = 0
const beaconOf = (events: number, changes: Partial<Beacon> = {}): Beacon => ({
  v: 1,
  site: 'erp',
  events: Array.from({ length: events }, () => ({
    id: `id-${++ids}`,
    name: 'page_view',
    age: 0,
    path: '/customers',
  })),
  ...changes,
})
const accept = (intake: Intake, beacon: Beacon, facts: Partial<RequestFacts> = {}): Promise<void> =>
  new Promise((resolve, reject) => {
    intake.accept(beacon, { ...FACTS, ...facts }, (error) => (error === null ? resolve() : reject(error)))
  })
const tokenAt = (now: number, changes = {}): string => erp.sign(grantedClaims(now, changes))

t.test('a beacon with a token is on disk, counted and in rows, when it is accepted', async (t) => {
  const { intake, ledger } = await memoryCollector({ keys: [erp.jwk] })
  await accept(intake, beaconOf(3, { token: tokenAt(START) }))
  const { accepted, days, dropped, received, rows } = await ledger()
  t.strictSame(
    { accepted, dropped, received, days: days.length, rows: rows.length },
    // Who came back is told by one row of the week, whatever they did.
    { accepted: 3, dropped: {}, received: 3, days: 3, rows: 4 },
  )
})

const DROPS: readonly (readonly [string, string, Partial<Beacon>, Partial<RequestFacts>])[] = [
  ['without a token', 'token.missing', {}, { origin: 'https://erp.example.in' }],
  ['with a forged token', 'token.forged', { token: 'x.y.z' }, { origin: 'https://erp.example.in' }],
  [
    'with an expired token',
    'token.expired',
    { token: tokenAt(START - 60 * MINUTE) },
    { origin: 'https://erp.example.in' },
  ],
  [
    'for somebody else',
    'token.wrong_audience',
    { token: tokenAt(START, { aud: 'x' }) },
    { origin: 'https://erp.example.in' },
  ],
  ['of an unknown site', 'unknown_site', { site: 'nobody', token: tokenAt(START) }, {}],
  ['of another origin', 'wrong_origin', { token: tokenAt(START) }, { origin: 'https://evil.example' }],
  ['with neither origin nor valid token', 'no_origin', {}, {}],
  ['whose signal says no', 'signal.gpc', { token: tokenAt(START) }, { gpc: true }],
  ['whose page says no', 'consent.denied', { token: tokenAt(START), consent: { analytics: 'denied' } }, {}],
  ['of a tenant without a key', 'key_missing', { token: tokenAt(START, { tenant: 't-closed' }) }, {}],
]
for (const [name, reason, changes, facts] of DROPS) {
  t.test(`a beacon ${name} is dropped whole as ${reason}, and accepted like any other`, async (t) => {
    const { intake, keeper, ledger } = await memoryCollector({ keys: [erp.jwk] })
    keeper.absent.add('t-closed')
    await accept(intake, beaconOf(4, changes), facts)
    const { accepted, dropped, received, rows } = await ledger()
    t.strictSame(
      { accepted, dropped, received, rows: rows.length },
      { accepted: 0, dropped: { [reason]: 4 }, received: 4, rows: 0 },
    )
  })
}

t.test(
  '100 events a minute and token are accepted, the rest is rate; the next minute begins anew',
  async (t) => {
    const clock = new TestClock(START)
    const { intake, ledger } = await memoryCollector({ keys: [erp.jwk], clock })
    const token = tokenAt(START)
    await Promise.all([60, 30, 30, 10].map((events) => accept(intake, beaconOf(events, { token }))))
    const first = await ledger()
    t.strictSame(
      [first.received, first.accepted, first.days.length, first.dropped],
      [130, 100, 100, { rate: 30 }],
    )
    await accept(intake, beaconOf(100, { token: tokenAt(START, { sub: 'another' }) }))
    t.equal((await ledger()).accepted, 200, 'another token has a rate of its own')
    clock.time = START + MINUTE
    await accept(intake, beaconOf(100, { token }))
    const last = await ledger()
    t.strictSame([last.received, last.accepted, last.dropped], [330, 300, { rate: 30 }])
  },
)
t.test('the rate can be raised, and beacons of sites without tokens have none', async (t) => {
  const raised = await memoryCollector({ keys: [erp.jwk], ratePerToken: 1_000 })
  const token = tokenAt(START)
  for (let at = 0; at < 5; at++) await accept(raised.intake, beaconOf(100, { token }))
  t.strictSame((await raised.ledger()).dropped, {})
  const website = await memoryCollector({ rulebook: 'website' })
  const from = { address: parseAddress('192.0.2.1'), origin: 'https://www.example.in' }
  for (let at = 0; at < 3; at++) {
    await accept(website.intake, beaconOf(100, { site: 'website' }), from)
  }
  t.equal((await website.ledger()).accepted, 300)
})

t.test(
  'a keeper that fails is an error for the beacon that needs it, and nothing of it is counted',
  async (t) => {
    const { intake, keeper, ledger } = await memoryCollector({ keys: [erp.jwk] })
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    keeper.failing = true
    await t.rejects(accept(intake, beaconOf(1, { token: tokenAt(START, { tenant: 't-new' }) })), {
      code: 'ERR_KEY_STORE',
    })
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    keeper.failing = false
    await accept(intake, beaconOf(1, { token: tokenAt(START, { tenant: 't-new' }) }))
    t.equal((await ledger()).received, 3)
  },
)
t.test(
  'a keeper that cannot be reached costs the events whose key is not here, and no beacon is refused for it',
  async (t) => {
    const { clock, commit, intake, keeper, ledger } = await memoryCollector({ keys: [erp.jwk] })
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    keeper.down = true
    await accept(intake, beaconOf(2, { token: tokenAt(START, { tenant: 't-new' }) }))
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    t.ok(commit.ready(), 'the hour’s key is here, so everything can be made durable')
    keeper.down = false
    clock.time += 10_000
    await accept(intake, beaconOf(1, { token: tokenAt(START, { tenant: 't-new' }) }))
    const { accepted, dropped, received } = await ledger()
    t.strictSame({ accepted, dropped, received }, { accepted: 3, dropped: { key_missing: 2 }, received: 5 })
  },
)
t.test('without a key to seal under nothing is promised, and readiness says so', async (t) => {
  const { clock, commit, intake, keeper, ledger } = await memoryCollector({ keys: [erp.jwk] })
  await accept(intake, beaconOf(1, { token: tokenAt(START) }))
  keeper.down = true
  clock.time += 60 * MINUTE
  const token = tokenAt(clock.time)
  await t.rejects(accept(intake, beaconOf(1, { token })), { code: 'ERR_KEEPER_UNAVAILABLE', status: 503 })
  t.notOk(commit.ready())
  keeper.down = false
  await accept(intake, beaconOf(1, { token }))
  t.ok(commit.ready())
  t.equal((await ledger()).accepted, 2)
})
t.test(
  'a bounded number of beacons wait for a keeper that hangs; the others are dropped at once',
  async (t) => {
    const { intake, keeper, ledger } = await memoryCollector({ keys: [erp.jwk], ratePerToken: 10_000 })
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    let go = (): void => {}
    keeper.hanging = new Promise((resolve) => {
      go = resolve
    })
    const token = tokenAt(START, { tenant: 't-new' })
    // The first of a token waits for its signature to be verified; the rest come in one turn.
    const first = accept(intake, beaconOf(1, { token }))
    while (keeper.waiting === 0) await turn()
    const waiting = Array.from({ length: 4_095 }, () => accept(intake, beaconOf(1, { token })))
    await Promise.all(Array.from({ length: 3 }, () => accept(intake, beaconOf(1, { token }))))
    t.strictSame((await ledger()).dropped, { key_missing: 3 }, 'these three did not wait')
    await accept(intake, beaconOf(1, { token: tokenAt(START) }))
    go()
    await Promise.all([first, ...waiting])
    const { accepted, dropped } = await ledger()
    t.strictSame({ accepted, dropped }, { accepted: 4_098, dropped: { key_missing: 3 } })
  },
)
t.test('a full log is an error, and nothing of the beacon is counted', async (t) => {
  const { intake, ledger, log } = await memoryCollector({ keys: [erp.jwk] })
  log.failure = new Error('full')
  await t.rejects(accept(intake, beaconOf(1, { token: tokenAt(START) })), { code: 'ERR_LOG_UNAVAILABLE' })
  log.failure = null
  t.equal((await ledger()).received, 0)
})

/** Lets that many microtasks pass. */
async function microtasks(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await Promise.resolve()
}

t.test(
  'whenever a token is verified, its beacon is answered only after its own batch is on disk',
  async (t) => {
    // The flush of an earlier batch ends at every possible moment around the verification.
    for (let gap = -25; gap <= 25; gap++) {
      let verified: (token: VerifiedToken) => void = () => {}
      const tokens: TokenVerifier = {
        verify: (token) =>
          token === 'slow'
            ? new Promise((resolve) => {
                verified = resolve
              })
            : FORGED,
        replaceKeys: () => {},
        expire: () => {},
        forget: () => {},
      }
      const { intake, log } = await memoryCollector({ tokens })
      log.hold()
      const first = accept(intake, beaconOf(1, { token: 'known' }))
      while (log.underWay === 0) await turn()
      t.equal(log.underWay, 1)
      let answered = false
      const send = async () => {
        await accept(intake, beaconOf(1, { token: 'slow' }))
        answered = true
      }
      const second = send()
      if (gap < 0) {
        verified(FORGED)
        await microtasks(-gap)
        log.release()
      } else {
        log.release()
        await microtasks(gap)
        verified(FORGED)
      }
      log.hold()
      await first
      for (let at = 0; at < 5; at++) await turn()
      t.equal(answered, log.appended.length === 2, `answered without its batch, gap ${gap}`)
      log.release()
      await second
      t.equal(log.appended.length, 2)
    }
  },
)

t.test('a tick forgets what is due and keeps what is not', async (t) => {
  const clock = new TestClock(START)
  const { intake, ledger } = await memoryCollector({ keys: [erp.jwk], clock })
  await accept(intake, beaconOf(1, { token: tokenAt(START) }))
  clock.time = Date.parse('2026-11-19T00:30:00Z')
  intake.tick(clock.now())
  await accept(
    intake,
    beaconOf(1, { token: tokenAt(clock.now()), events: [{ id: 'a', name: 'page_view', age: 45 * MINUTE }] }),
  )
  t.strictSame((await ledger()).dropped, {}, 'within lateness the day is open')
  clock.time = Date.parse('2026-11-19T01:00:00Z')
  intake.tick(clock.now())
  await accept(
    intake,
    beaconOf(1, { token: tokenAt(clock.now()), events: [{ id: 'b', name: 'page_view', age: 75 * MINUTE }] }),
  )
  t.strictSame((await ledger()).dropped, { late: 1 })
})

t.test('asked to forget, it remembers nothing of a token, also where no time passes', async (t) => {
  const asked: string[] = []
  const tokens = createTokenVerifier(await importTokenKeys({ keys: [erp.jwk] }), new TestClock(START))
  const { intake } = await memoryCollector({
    tokens: {
      ...tokens,
      verify(token, now) {
        const verified = tokens.verify(token, now)
        asked.push(verified instanceof Promise ? 'verified' : 'remembered')
        return verified
      },
    },
  })
  const token = tokenAt(START)
  await accept(intake, beaconOf(1, { token }))
  await accept(intake, beaconOf(1, { token }))
  intake.forget()
  await accept(intake, beaconOf(1, { token }))
  t.same(asked, ['verified', 'remembered', 'verified'])
})

t.test('what claims and a consent say of time is judged by when the beacon was made', async (t) => {
  // 13 months are what the rulebook lets a consent be old.
  const hoursLater = START + 6 * 60 * MINUTE
  const consent = { analytics: 'granted', policy: '2026-11-01', at: '2025-10-18T12:00:00Z' }
  for (const [time, dropped] of [
    [START, {}],
    [undefined, { 'token.expired': 1 }],
    [START - 60 * MINUTE, { 'token.forged': 1 }],
  ] as const) {
    const { intake, ledger } = await memoryCollector({ clock: new TestClock(hoursLater) })
    const facts = { claims: grantedClaims(START, { consent }), origin: 'https://erp.example.in' }
    await accept(intake, beaconOf(1), { ...facts, ...(time === undefined ? {} : { time }) })
    t.same((await ledger()).dropped, dropped)
  }
})
