/** A rulebook is tried beside the one that rules; what rules must not notice. */
import { setImmediate as turn } from 'node:timers/promises'
import { type Anonymizer, parseAddress } from '@tacit/anonymizer'
import type { Beacon } from '@tacit/contracts'
import { recordColumns, type Rulebook } from '@tacit/rulebook'
import fc from 'fast-check'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t, { type Test } from 'tap'
import type { RequestFacts } from './intake.js'
import type { Shadow, ShadowOptions } from './shadow.js'
import { shadowReport } from './shadow-report.js'
import { compileFor, type MemoryCollector, memoryCollector } from './testing/memory.js'
import { edSigner, grantedClaims } from './testing/tokens.js'

const START = Date.parse('2026-11-18T10:20:30Z')
const erp = edSigner('erp-1')
const ROLES = ['admin', 'accounts', 'sales', 'operations']
const FACTS: RequestFacts = {
  source: 'beacon',
  address: parseAddress('192.0.2.7'),
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  origin: 'https://erp.example.in',
  gpc: false,
  dnt: false,
}
const tokens = ROLES.map((role) => erp.sign(grantedClaims(START, { role, sub: `person-of-${role}` })))

/** One event of the `at`th beacon: pages and features by turns; every fourth page holds an e-mail address. */
function beaconOf(at: number): Beacon {
  const event =
    at % 2 === 0
      ? { name: 'page_view', path: at % 8 === 0 ? '/customers/asha@example.in' : '/customers/48211' }
      : { name: 'invoice.save' }
  return {
    v: 1,
    site: 'erp',
    token: tokens[(at >> 1) % 4] as string,
    events: [{ id: `e-${String(at)}`, age: 0, ...event }],
  }
}

const side = (rulebook: Rulebook, { clock }: MemoryCollector) => ({
  rulebook,
  anonymizer: compileFor(rulebook, clock),
})

/** Sends beacons one after the other, each with a turn of its own, and waits until all are on disk. */
async function send({ intake, commit }: MemoryCollector, count: number): Promise<number> {
  let answered = 0
  const waiting: Promise<void>[] = []
  for (let at = 0; at < count; at++) {
    const done = new Promise<void>((resolve) => {
      intake.accept(beaconOf(at), FACTS, (error) => {
        if (error === null) answered++
        resolve()
      })
    })
    waiting.push(done)
    await turn()
  }
  await commit.drain()
  await Promise.all(waiting)
  return answered
}

/** A collector that has verified all tokens: from then on a beacon is decided in the turn in which it comes. */
async function start(): Promise<MemoryCollector> {
  const collector = await memoryCollector({ keys: [erp.jwk], ratePerToken: 1_000_000 })
  await send(collector, 8)
  return collector
}

const ERP = shippedRulebook('erp')
const NARROWER = shippedRulebook('erp', ['sales, operations]', 'sales]'])
const BLINDER = shippedRulebook('erp', ['    - email\n', ''])
const UNASKED = shippedRulebook('erp', ['    drill: [role]\n', ''])

/** Tries every beacon in its own turn, without rest. */
const EAGER = { oneIn: 1, random: () => 0.5, elapsed: () => 0 }

function begin(
  collector: MemoryCollector,
  next: Rulebook,
  changes: Partial<Omit<ShadowOptions, 'peek'>> = {},
): Shadow {
  const { intake } = collector
  return intake.beginShadow({
    now: side(intake.rulebook, collector),
    next: side(next, collector),
    ...EAGER,
    ...changes,
  })
}

/** What a shadow says of 400 beacons. */
async function reportOf(t: Test, next: Rulebook) {
  const collector = await start()
  const shadow = begin(collector, next)
  t.equal(await send(collector, 400), 400)
  await turn()
  t.equal(shadow.state, 'running')
  return shadow.report()
}

t.test('a rulebook beside itself changes nothing, and says what it does', async (t) => {
  t.strictSame(await reportOf(t, ERP), {
    events: 400,
    tried: 100,
    changed: 0,
    outcomes: [
      { now: 'accepted', next: 'accepted', share: 88 },
      { now: 'pii.email', next: 'pii.email', share: 13 },
    ],
    dimensions: [
      'browser',
      'device',
      'event_name',
      'from_path',
      'load_ms',
      'os',
      'path',
      'role',
      'time_spent_s',
      'visit_start',
    ].map((dimension) => ({ dimension, differs: 0 })),
    added: [],
    removed: [],
  })
})

t.test('a value that another rule makes of the same event differs, by dimension', async (t) => {
  const { changed, dimensions } = await reportOf(t, NARROWER)
  t.equal(changed, 0)
  // 100 of 400 events are of operations, and of the 350 that are accepted; pages with addresses are of the others.
  const differing = dimensions?.filter(({ differs }) => differs > 0)
  t.strictSame(differing, [{ dimension: 'role', differs: 29 }])
})

t.test('another outcome is a pair with its share', async (t) => {
  const { changed, outcomes } = await reportOf(t, BLINDER)
  t.equal(changed, 13)
  t.strictSame(outcomes, [
    { now: 'accepted', next: 'accepted', share: 88 },
    { now: 'pii.email', next: 'accepted', share: 13 },
  ])
})

t.test('dimensions that only one of them has are named', async (t) => {
  const { added, dimensions, removed } = await reportOf(t, UNASKED)
  t.strictSame([added, removed], [[], ['role']])
  t.notOk(dimensions?.some(({ dimension }) => dimension === 'role'))
})

t.test('choices of people are one reason, under both', async (t) => {
  const collector = await start()
  const shadow = begin(collector, NARROWER)
  for (let at = 0; at < 120; at++) {
    const facts = at % 2 === 0 ? { gpc: true } : { dnt: true }
    collector.intake.accept(beaconOf(1), { ...FACTS, ...facts }, () => {})
    await turn()
  }
  await turn()
  t.match(shadow.report(), { outcomes: [{ now: 'refused', next: 'refused', share: 100 }], dimensions: null })
  await collector.commit.drain()
  t.strictSame(
    (await collector.ledger()).dropped,
    { 'pii.email': 1, 'signal.gpc': 60, 'signal.dnt': 60 },
    'the ledger has both',
  )
})

t.test('what rules does not notice a shadow, whatever becomes of it', async (t) => {
  const refuse = (): never => {
    throw new Error('asha@example.in')
  }
  const broken: Anonymizer = { ...compileFor(ERP, { now: () => START }), process: refuse }
  const slow = { ...EAGER, elapsed: () => performance.now() * 1_000 }
  const shadows: readonly (readonly [string, Partial<Omit<ShadowOptions, 'peek'>> | null])[] = [
    ['none', null],
    ['one that works', {}],
    ['one that is slow', slow],
    ['one that throws', { next: { rulebook: ERP, anonymizer: broken } }],
  ]
  const ledgers: unknown[] = []
  for (const [name, changes] of shadows) {
    const collector = await start()
    const shadow = changes === null ? null : begin(collector, NARROWER, changes)
    t.equal(await send(collector, 200), 200, name)
    const { accepted, batches, dropped, received, rows } = await collector.ledger()
    const values = rows.map((row) => JSON.stringify(row.slice(13))).sort()
    ledgers.push({ accepted, dropped, received, values })
    t.ok(batches.every(({ header }) => header.rulebook === ERP.hash))
    if (name === 'one that throws') {
      t.equal(shadow?.state, 'failed')
      t.notMatch(JSON.stringify(shadow?.report()), 'asha')
    }
  }
  t.match(ledgers[0], { received: 208, accepted: 182, dropped: { 'pii.email': 26 } })
  for (const ledger of ledgers.slice(1)) t.strictSame(ledger, ledgers[0])
})

t.test('trying takes a twentieth of the time at most', async (t) => {
  const collector = await start()
  let time = 0
  const slow = compileFor(ERP, collector.clock)
  const process: Anonymizer['process'] = (...given) => {
    time += 5
    return slow.process(...given)
  }
  let tried = 0
  const shadow = begin(collector, ERP, {
    elapsed: () => time,
    later: (run) => {
      tried++
      run()
    },
    next: { rulebook: ERP, anonymizer: { ...slow, process } },
  })
  for (let ms = 0; ms < 1_000; ms++) {
    await send(collector, 1)
    time++
  }
  t.ok(tried >= 8 && tried * 5 <= 1_000 / 20 + 5, `${String(tried)} times 5 ms in ${String(time)} ms`)
  t.equal(shadow.state, 'running')
})

t.test('one beacon in so many is tried, and one a turn', async (t) => {
  const collector = await start()
  let drawn = 0
  const shadow = begin(collector, ERP, { oneIn: 4, random: () => (drawn++ % 4) / 4 })
  await send(collector, 800)
  await turn()
  t.match(shadow.report(), { events: 200, tried: 25 })
  const other = begin(collector, ERP)
  for (let round = 0; round < 120; round++) {
    for (let at = 0; at < 4; at++) collector.intake.accept(beaconOf(at), FACTS, () => {})
    await turn()
    await turn()
  }
  t.match(other.report(), { events: 120, tried: 25 }, 'while one waits, the others pass by')
  await collector.commit.drain()
})

t.test('it makes no key, and says where a key is missing', async (t) => {
  const collector = await start()
  const { intake, keeper } = collector
  keeper.absent.add('t-closed')
  const shadow = begin(collector, ERP)
  const token = erp.sign(grantedClaims(START, { tenant: 't-closed' }))
  for (let at = 0; at < 120; at++) {
    await new Promise<void>((resolve) => {
      intake.accept({ ...beaconOf(1), token }, FACTS, () => resolve())
    })
    await turn()
  }
  t.match(shadow.report(), { outcomes: [{ now: 'key_missing', next: 'key_missing', share: 100 }] })
  await send(collector, 10)
  keeper.failing = true
  t.equal(await send(collector, 10), 10, 'keys that the real path has')
  await turn()
  t.equal(shadow.state, 'running', 'and the shadow asked for no other')
})

t.test('no pseudonym of a record comes into it, and none of its own leaves it', async (t) => {
  const collector = await start()
  const people = new Set<unknown>()
  const real = compileFor(NARROWER, collector.clock)
  const process: Anonymizer['process'] = (input, at, peek, sink) => {
    const row: typeof sink.row = (stream, epoch, tail) => {
      const place = recordColumns(stream).findIndex(({ name }) => name === 'person')
      people.add((JSON.parse(`[${tail}`) as unknown[])[place])
      sink.row(stream, epoch, tail)
    }
    return real.process(input, at, peek, {
      row,
      accepted: (hour) => sink.accepted(hour),
      dropped: (hour, reason) => sink.dropped(hour, reason),
      removedProps: (count) => sink.removedProps(count),
      detected: (detector, field) => sink.detected(detector, field),
    })
  }
  const shadow = begin(collector, NARROWER, {
    next: { rulebook: NARROWER, anonymizer: { ...real, process } },
  })
  await send(collector, 200)
  await turn()
  t.match(shadow.report(), { events: 200 })
  const { rows } = await collector.ledger()
  const stored = new Set(rows.flat())
  t.equal(people.size, 4, 'one for each role, under the shadow’s own key')
  t.notOk([...people].some((person) => stored.has(person)))
})

t.test('it ends with the rulebook that it was compared to, and for good', async (t) => {
  const collector = await start()
  const { clock, intake } = collector
  const shadow = begin(collector, NARROWER)
  await send(collector, 200)
  await turn()
  intake.ruleBy(NARROWER, compileFor(NARROWER, clock))
  t.equal(shadow.state, 'changed')
  const before = shadow.report()
  await send(collector, 100)
  await turn()
  t.strictSame(shadow.report(), before)
  const second = begin(collector, ERP)
  const third = begin(collector, ERP)
  t.equal(second.state, 'ended', 'another one takes its place')
  intake.accept(beaconOf(1), FACTS, () => {})
  intake.endShadow()
  await turn()
  t.strictSame([third.state, third.report().events], ['ended', null], 'a beacon that waited is forgotten')
})

t.test('a site that only the new rulebook signs is left out: nobody verified its tokens', async (t) => {
  const added = shippedRulebook('erp', [
    'sites:\n',
    'sites:\n  desk: { origins: ["https://desk.example.in"], identity: signed, lawful_basis: consent, region: in }\n',
  ])
  const collector = await start()
  const shadow = begin(collector, added)
  for (let at = 0; at < 120; at++) {
    collector.intake.accept({ ...beaconOf(1), site: at < 110 ? 'desk' : 'erp' }, FACTS, () => {})
    await turn()
  }
  await turn()
  t.equal(shadow.report().events, null)
  await collector.commit.drain()
})

t.test('nothing is said of fewer than a hundred events, nor of fewer than ten', async (t) => {
  const tally = (same: number, other: number) => ({
    offered: same + other,
    tried: same + other,
    pairs: new Map([
      ['accepted\naccepted', same],
      ['accepted\npii.pan', other],
    ]),
    recorded: same,
    differing: new Map([['path', other]]),
    added: [],
    removed: [],
  })
  t.match(shadowReport(tally(99, 0)), {
    events: null,
    changed: null,
    outcomes: null,
    dimensions: null,
    tried: null,
  })
  t.match(shadowReport(tally(100, 0)), { events: 100, changed: 0, outcomes: [{ share: 100 }] })
  t.match(shadowReport(tally(91, 9)), {
    changed: 0,
    outcomes: [{ next: 'accepted', share: 100 }],
    dimensions: null,
  })
  t.match(shadowReport(tally(100, 10)), { changed: 9, dimensions: [{ differs: 10 }] })
  t.match(shadowReport(tally(5_000, 10)), { changed: 1 }, 'what is said to be there is not 0')
})

t.test('whatever was counted, a report says whole percents, and only what ten events make up', async (t) => {
  const count = fc.nat({ max: 400 })
  fc.assert(
    fc.property(count, count, count, fc.nat({ max: 400 }), (same, refused, other, differing) => {
      const sum = same + refused + other
      const { changed, dimensions, events, outcomes } = shadowReport({
        offered: 1_000,
        tried: 900,
        pairs: new Map([
          ['accepted\naccepted', same],
          ['refused\nrefused', refused],
          ['accepted\npii.pan', other],
        ]),
        recorded: same,
        differing: new Map([['path', Math.min(differing, same)]]),
        added: [],
        removed: [],
      })
      if (sum < 100) return events === null && changed === null && outcomes === null
      const differs = dimensions?.[0]?.differs
      return (
        events === sum - (sum % 10) &&
        changed !== null &&
        changed > 0 === other >= 10 &&
        outcomes?.length === [same, refused, other].filter((many) => many >= 10).length &&
        outcomes.every(({ share }) => Number.isInteger(share) && share > 0 && share <= 100) &&
        (dimensions === null) === same < 100 &&
        (differs === undefined ||
          (Number.isInteger(differs) && differs > 0 === Math.min(differing, same) >= 10))
      )
    }),
    { seed: 1, numRuns: 1_000 },
  )
  t.pass('held in every run')
})
