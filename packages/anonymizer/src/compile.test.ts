import { DAY, HOUR, type TokenClaims } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import type { PeekKey } from './identity.js'
import { parseAddress } from './ip.js'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { CHROME, CLAIMS, createTrial, NOW, type Outcome, pageView, testKeys } from './testing/trial.js'

const erp = shippedRulebook('erp')
const website = shippedRulebook('website')
const MIDNIGHT = Date.UTC(2026, 11, 2)
const signed = (claims: Partial<TokenClaims>) => ({
  token: { state: 'valid', claims: { ...CLAIMS, ...claims } } as const,
})
const of = (stream: string, { rows }: Outcome) => rows.filter((row) => row.stream === stream)
/** The record of an event in the day stream, in the order of those that left one. */
const record = (outcome: Outcome, at = 0) => of('day', outcome)[at]?.record ?? {}
const reasons = ({ fates }: Outcome) => fates.map((fate) => fate.split(' ')[1])

t.test('a record holds the columns of the plan, in its order, and nothing else', async (t) => {
  const outcome = createTrial(erp).run([
    pageView({
      path: '/customers/12345/invoice/INV-9',
      from_path: '/customers',
      age: 1200,
      props: { load_ms: 812 },
    }),
  ])
  const { tenant, person, eid, ...rest } = record(outcome)
  t.same(rest, {
    received: Date.UTC(2026, 11, 2, 10) / 1000,
    epoch: '2026-12-02',
    hour: Date.UTC(2026, 11, 2, 10) / 1000,
    site: 'erp',
    kind: 'page_view',
    standing: 'established',
    network: '',
    browser: 'chrome',
    device: 'desktop',
    event_name: 'page_view',
    from_path: '/customers',
    load_ms: '300-999',
    os: 'windows',
    path: '/customers/:id/invoice/:no',
    role: 'accounts',
    time_spent_s: '',
    visit_start: '',
  })
  t.match(tenant, /^[\w-]{22}$/)
  t.match(person, /^[\w-]{22}$/)
  t.match(eid, /^[\w-]{11}$/)
  t.same(outcome.fates, ['2026-12-02T10:00:00Z accepted'])
})

t.test('the hour of an event and its epoch are those of its own time, across midnight too', async (t) => {
  const trial = createTrial(erp)
  const at = MIDNIGHT + 20 * 60_000
  const ages = [0, 20 * 60_000, 20 * 60_000 + 1, 80 * 60_000]
  const outcome = trial.run(
    ages.map((age, i) => pageView({ age, id: `e${String(i)}` })),
    {},
    at,
  )
  t.same(outcome.fates, [
    '2026-12-02T00:00:00Z accepted',
    '2026-12-02T00:00:00Z accepted',
    '2026-12-01T23:00:00Z accepted',
    '2026-12-01T23:00:00Z accepted',
  ])
  const days = of('day', outcome)
  t.same(
    days.map(({ epoch }) => epoch),
    ['day:2026-12-02', 'day:2026-12-02', 'day:2026-12-01', 'day:2026-12-01'],
  )
  for (const { epoch, record: row } of days) {
    t.equal(`day:${String(row['epoch'])}`, epoch)
    t.equal(row['received'], MIDNIGHT / 1000)
    t.equal((row['hour'] as number) % 3600, 0)
  }
  const people = new Set(days.map(({ record: row }) => row['person']))
  t.equal(people.size, 2, 'one pseudonym a day')
})

t.test('an event is late from the millisecond at which its day has closed', async (t) => {
  const trial = createTrial(erp)
  const closes = MIDNIGHT + HOUR
  const at = (time: number, eventTime: number) => trial.run([pageView({ age: time - eventTime })], {}, time)
  t.same(at(closes - 1, MIDNIGHT - 1).fates, ['2026-12-01T23:00:00Z accepted'])
  t.same(at(closes, MIDNIGHT - 1).fates, ['2026-12-01T23:00:00Z late'])
  t.same(at(closes, MIDNIGHT).fates, ['2026-12-02T00:00:00Z accepted'])
  t.same(at(closes + 1, MIDNIGHT - 1).fates, ['2026-12-01T23:00:00Z late'])
  t.same(at(NOW, NOW - DAY).fates, ['2026-12-01T10:00:00Z late'])
})

t.test('a name that is not in the catalogue drops its event, and only that one', async (t) => {
  const outcome = createTrial(erp).run([
    pageView(),
    pageView({ name: 'made.up' }),
    pageView({ name: 'constructor' }),
    pageView({ name: 'PAGE_VIEW' }),
    pageView({ name: 'invoice.save' }),
  ])
  t.same(reasons(outcome), ['accepted', 'event.unknown', 'event.unknown', 'event.unknown', 'accepted'])
  t.equal(of('day', outcome).length, 2)
  t.equal(record(outcome, 1)['kind'], 'feature')
})

t.test('props that no rule names are counted, and are in no record', async (t) => {
  const outcome = createTrial(erp).run([
    pageView({ props: { load_ms: 812, note: 'zzznote', user: 'zzzuser', toString: 'zzz' } }),
    pageView({ props: { other: 'zzzother' } }),
    pageView({ name: 'made.up', props: { other: 'zzzother' } }),
  ])
  t.equal(outcome.removedProps, 4)
  t.notMatch(outcome.tails.join(), /zzz/)
})

t.test('values outside of their rules become what the rule says, and never pass', async (t) => {
  const trial = createTrial(erp)
  const outcome = trial.run(
    [
      pageView({
        path: '/customers/../../etc/passwd',
        from_path: '/nobody/listed/this',
        props: { load_ms: '812', time_spent_s: 'long', visit_start: 'true' },
      }),
      pageView({ name: 'app_start', props: { app_version: 'v9-beta', device_model: 'Browserette Slate' } }),
    ],
    {
      ...signed({ role: 'head of payroll', cohort: 'the founders' }),
      userAgent: 'Mozilla/5.0 (Thing; Other) Browserette/8.0',
    },
  )
  const row = record(outcome)
  const weekly = of('week', outcome).map(({ record: week }) => week)
  t.equal(row['from_path'], '/other')
  t.equal(row['load_ms'], '')
  t.equal(row['time_spent_s'], '')
  t.equal(row['visit_start'], '', 'true is no text')
  t.equal(row['role'], 'other')
  t.match(
    weekly.find(({ statistic }) => statistic === 'apps'),
    { app_version: 'other', model_class: 'other' },
  )
  t.match(
    weekly.find(({ statistic }) => statistic === 'retention'),
    { cohort: '' },
  )
  t.notMatch(JSON.stringify(outcome.rows), /passwd|payroll|beta|listed|Browserette|founders/)
})

t.test(
  'what a page says of who somebody is counts for nothing: role and cohort come from the token',
  async (t) => {
    const trial = createTrial(erp)
    const row = record(
      trial.run([pageView({ props: { role: 'admin', cohort: '2020-01', tenant_id: 'x', user_id: 'y' } })]),
    )
    t.equal(row['role'], 'accounts')
    const { role: _role, ...anonymous } = CLAIMS
    t.equal(
      record(
        trial.run([pageView({ props: { role: 'admin' } })], { token: { state: 'valid', claims: anonymous } }),
      )['role'],
      '',
    )
  },
)

t.test('beyond the allowance events are rate, whatever else they are', async (t) => {
  const trial = createTrial(erp)
  const events = Array.from({ length: 5 }, (_none, i) => pageView({ id: `e${String(i)}` }))
  t.same(reasons(trial.run(events, { allowance: 2 })), ['accepted', 'accepted', 'rate', 'rate', 'rate'])
  t.same(
    reasons(trial.run(events, { allowance: 0 })),
    Array.from({ length: 5 }, () => 'rate'),
  )
  const refused = trial.run(events, { allowance: 0, gpc: true })
  t.same(
    reasons(refused),
    Array.from({ length: 5 }, () => 'signal.gpc'),
  )
})

t.test('a beacon that is refused leaves no row, and each event one count', async (t) => {
  const trial = createTrial(erp)
  const events = [pageView(), pageView({ age: 2 * HOUR }), pageView({ name: 'made.up' })]
  for (const [more, reason] of [
    [{ dnt: true }, 'signal.dnt'],
    [{ person: { objected: true } }, 'objected'],
    [{ token: { state: 'forged' } }, 'token.forged'],
    [{ userAgent: 'Googlebot/2.1 (+http://www.google.com/bot.html)' }, 'bot'],
    [signed({ adult: false }), 'not_adult'],
  ] as const) {
    const outcome = trial.run(events, more)
    t.same(outcome.rows, [])
    t.same(outcome.fates, [
      `2026-12-02T10:00:00Z ${reason}`,
      `2026-12-02T08:00:00Z ${reason}`,
      `2026-12-02T10:00:00Z ${reason}`,
    ])
    t.equal(outcome.removedProps, 0)
  }
})

t.test('INV-08: a pseudonym is one person in one tenant and epoch, and nobody anywhere else', async (t) => {
  const trial = createTrial(erp)
  const person = (claims: Partial<TokenClaims>, age = 0) =>
    record(trial.run([pageView({ age })], signed(claims), MIDNIGHT + 30 * 60_000))
  const one = person({})
  t.same(person({}), one, 'the same once more')
  t.equal(person({ role: 'sales' })['person'], one['person'])
  const others = [person({ sub: 'person-2' }), person({ tenant: 't-002' }), person({}, HOUR)]
  const all = [one, ...others].map((row) => row['person'])
  t.equal(new Set(all).size, 4)
  t.equal(person({ sub: 'person-2' })['tenant'], one['tenant'])
  t.equal(new Set([one, person({ tenant: 't-002' }), person({}, HOUR)].map((row) => row['tenant'])).size, 3)
  t.equal(person({ standing: 'trial' })['standing'], 'trial', 'a standing that changed is not remembered')
})

t.test('an event id is a keyed hash: the same for the same id, person and epoch', async (t) => {
  const trial = createTrial(erp)
  const eid = (id: string, claims: Partial<TokenClaims> = {}) =>
    record(trial.run([pageView({ id })], signed(claims)))['eid']
  t.equal(eid('a'), eid('a'))
  t.not(eid('a'), eid('b'))
  t.not(eid('a'), eid('a', { tenant: 't-002' }))
})

t.test(
  'a device is its address and user agent, an IPv6 one its /64; networks are the /24 and the /48',
  async (t) => {
    const trial = createTrial(website)
    const device = (ip: string, userAgent = CHROME) =>
      record(trial.run([pageView()], { address: parseAddress(ip), userAgent }))
    const v4 = device('203.0.113.77')
    t.same([v4['tenant'], v4['standing']], ['', ''])
    t.match(v4['network'], /^[\w-]{22}$/)
    t.equal(device('::ffff:203.0.113.77')['person'], v4['person'], 'mapped is the same address')
    t.not(device('203.0.113.78')['person'], v4['person'])
    t.equal(device('203.0.113.78')['network'], v4['network'])
    t.not(device('203.0.114.77')['network'], v4['network'])
    t.not(device('203.0.113.77', `${CHROME} x`)['person'], v4['person'])
    const v6 = device('2001:db8:1:2::1')
    t.equal(device('2001:db8:1:2:ffff::9')['person'], v6['person'])
    t.not(device('2001:db8:1:3::1')['person'], v6['person'])
    t.equal(device('2001:db8:1:3::1')['network'], v6['network'])
    t.not(device('2001:db8:2:2::1')['network'], v6['network'])
    t.match(device('203.0.113.77', '')['person'], /^[\w-]{22}$/, 'no user agent is one too')
    t.same(reasons(trial.run([pageView()], { address: null })), ['rule_failed'], 'no address is nobody')
  },
)

t.test('V9: without a key an event is dropped and counted, and a closed epoch is late', async (t) => {
  const keys = testKeys()
  for (const rulebook of [erp, website]) {
    const trial = createTrial(rulebook)
    for (const [answer, reason] of [
      ['missing', 'key_missing'],
      ['late', 'late'],
    ] as const) {
      t.same(reasons(trial.run([pageView(), pageView()], {}, NOW, () => answer)), [reason, reason])
      const today: PeekKey = (stream, epoch, scope) =>
        stream === 'week' || epoch === 'day:2026-12-02' ? keys(stream, epoch, scope) : answer
      const outcome = trial.run([pageView(), pageView({ age: HOUR })], {}, MIDNIGHT + 1, today)
      t.same(reasons(outcome), ['accepted', reason], 'one day goes on without the other')
    }
  }
  const trial = createTrial(erp)
  const noTenants: PeekKey = (stream, epoch, scope) =>
    scope.of === 'tenants' ? 'missing' : keys(stream, epoch, scope)
  t.same(reasons(trial.run([pageView()], {}, NOW, noTenants)), ['key_missing'])
})

t.test('where keys must be loaded first nothing has happened, and the second call counts once', async (t) => {
  const trial = createTrial(erp)
  const keys = testKeys()
  const known = new Set<string>()
  const peek: PeekKey = (stream, epoch, scope) =>
    known.has(JSON.stringify([epoch, scope])) ? keys(stream, epoch, scope) : undefined
  const events = [
    pageView({ props: { unknown: 1 } }),
    pageView({ age: HOUR }),
    pageView({ name: 'made.up' }),
    pageView({ age: 2 * HOUR }),
  ]
  const at = MIDNIGHT + 10 * 60_000
  const first = trial.run(events, { allowance: 3 }, at, peek)
  t.same([first.rows, first.fates, first.removedProps], [[], [], 0])
  const scopes = [{ of: 'tenant', tenant: 't-001' }, { of: 'tenants' }]
  const week = ['week', 'week:2026-11-30']
  const wanted = [['day', 'day:2026-12-02'], week, ['day', 'day:2026-12-01'], week].flatMap(
    ([stream, epoch]) => scopes.map((scope) => ({ stream, epoch, scope })),
  )
  t.same(first.needs, wanted)
  for (const { epoch, scope } of first.needs ?? []) known.add(JSON.stringify([epoch, scope]))
  const second = trial.run(events, { allowance: 3 }, at, peek)
  t.equal(second.needs, null)
  t.same(reasons(second), ['accepted', 'accepted', 'event.unknown', 'rate'])
  t.equal(second.removedProps, 1)
})

t.test('a late event or a refused beacon asks for no key', async (t) => {
  const trial = createTrial(erp)
  const never: PeekKey = () => {
    throw new Error('no key is needed')
  }
  t.same(reasons(trial.run([pageView({ age: DAY })], {}, NOW, never)), ['late'])
  t.same(reasons(trial.run([pageView()], { gpc: true }, NOW, never)), ['signal.gpc'])
})

t.test('what was remembered of a person goes when told, and by the clock', async (t) => {
  for (const rulebook of [erp, website]) {
    const trial = createTrial(rulebook)
    let asked = 0
    const keys = testKeys()
    const counted: PeekKey = (stream, epoch, scope) => {
      const key = keys(stream, epoch, scope)
      if (typeof key !== 'object') return key
      return {
        pseudonym: (kind: string, ...parts: readonly string[]) => {
          asked++
          return key.pseudonym(kind, ...parts)
        },
        eventId: (id: string) => key.eventId(id),
        destroy: () => {},
      }
    }
    const once = new Map<string, ReturnType<PeekKey>>()
    const peek: PeekKey = (stream, epoch, scope) => {
      const name = JSON.stringify([epoch, scope])
      const key = once.get(name) ?? counted(stream, epoch, scope)
      once.set(name, key)
      return key
    }
    trial.run([pageView()], {}, NOW, peek)
    const first = asked
    t.ok(first > 0)
    trial.run([pageView()], {}, NOW, peek)
    t.equal(asked, first, 'remembered')
    trial.anonymizer.clear()
    trial.run([pageView()], {}, NOW, peek)
    t.equal(asked, 2 * first, 'forgotten')
    if (rulebook === website) {
      trial.clock.advanceTo(NOW + 16 * 60_000)
      trial.anonymizer.expire()
      trial.run([pageView()], {}, NOW, peek)
      t.equal(asked, 3 * first, 'too old')
    }
  }
})

t.test('a record is emitted for kinds that a statistic reads; other events are counted only', async (t) => {
  const narrow = { ...erp, statistics: erp.statistics.filter(({ id }) => id === 'pages') }
  const outcome = createTrial(narrow).run([pageView(), pageView({ name: 'invoice.save' })])
  t.same(reasons(outcome), ['accepted', 'accepted'])
  t.same(
    outcome.rows.map(({ record: row }) => row['kind']),
    ['page_view'],
  )
  t.same(Object.keys(record(outcome)).slice(-4), ['device', 'path', 'time_spent_s', 'visit_start'])
})

t.test('each event of a beacon has exactly one fate', async (t) => {
  const trial = createTrial(erp)
  const event = fc.record({
    id: fc.string({ minLength: 1, maxLength: 20 }),
    name: fc.oneof(fc.constantFrom(...Object.keys(erp.events)), fc.string()),
    age: fc.nat(DAY),
    path: fc.webPath(),
  })
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 100 }),
      fc.nat(100),
      fc.nat(DAY),
      (events, allowance, offset) => {
        const outcome = trial.run(events, { allowance }, NOW + offset)
        t.equal(outcome.fates.length, events.length)
        const accepted = reasons(outcome).filter((reason) => reason === 'accepted').length
        t.equal(of('day', outcome).length, accepted)
      },
    ),
    { numRuns: 50 },
  )
})
