/** INV-19 on what is stored and on what comes: the hash of a rulebook that ruled then, or it is found. */
import { join } from 'node:path'
import { HOUR } from '@tacit/contracts'
import { createLogKeys } from '@tacit/keyring'
import { streamPlans } from '@tacit/rulebook'
import fc from 'fast-check'
import { open as openLmdb } from 'lmdb'
import t from 'tap'
import { strangenessOf } from './provenance.js'
import { type Reign, type Rulebooks, soleRulebook } from './rulebooks.js'
import { erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type Row, TestCollector } from './testing/traffic.js'

const server = await testServer(t)
const dir = t.testdir()
const rulebook = erpRulebook('pages')
const FORMER = { ...rulebook, hash: 'f0'.repeat(32) }
const FOREIGN = { ...rulebook, hash: 'ee'.repeat(32) }
const NOON = DAY_START + 12 * HOUR
/** A released cell; the hash of its rulebook is added. */
const CELL = {
  statistic: 'pages',
  window: 'day',
  windowStart: DAY_START,
  dims: ['/a'],
  users: 10,
  events: 10,
  floor: 10,
  visits: null,
  time_s: null,
  share: null,
  users_error: null,
  events_error: null,
}
const ROWS = pageViews({ tenants: 6, perTenant: 4 }, '/dashboard')

/** The former one rules until ten, the present one from then on. */
const CHANGED: Rulebooks = {
  current: () => rulebook,
  ofHash: (hash) => [rulebook, FORMER].find((one) => one.hash === hash) ?? null,
  ruling: () => [FORMER, rulebook],
  reigns: () => [
    { hash: FORMER.hash, from: Number.NEGATIVE_INFINITY, until: DAY_START + 10 * HOUR },
    { hash: rulebook.hash, from: DAY_START + 10 * HOUR, until: Number.POSITIVE_INFINITY },
  ],
}

/** Stores on which an aggregator runs that knows these rulebooks. */
async function open(name: string, rulebooks: Rulebooks = soleRulebook(rulebook)) {
  const stores = new TestStores(join(dir, name), server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  stores.rulebooks = rulebooks
  const running = await stores.open()
  const collectorOf = (book: typeof rulebook) =>
    new TestCollector(running.log, createLogKeys(stores.keeper), book)
  return { stores, running, collectorOf }
}

async function checked({ aggregator }: TestProcess, now = NOON) {
  await aggregator.check(now)
  return aggregator.checks()[0]
}

t.test('a hash is fine exactly where it ruled, give or take an hour', async (t) => {
  const changes = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 })
  fc.assert(
    fc.property(
      changes,
      fc.nat(4),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 30 }),
      (hours, which, at, length) => {
        const bounds = [
          Number.NEGATIVE_INFINITY,
          ...[...hours].sort((a, b) => a - b).map((hour) => hour * HOUR),
          Number.POSITIVE_INFINITY,
        ]
        const reigns: Reign[] = bounds
          .slice(0, -1)
          .map((from, i) => ({ hash: `h${String(i)}`, from, until: bounds[i + 1] as number }))
        const span = { from: at * HOUR, until: (at + length) * HOUR }
        const found = strangenessOf(`h${String(which)}`, span, reigns, null)
        const own = reigns[which]
        if (own === undefined) return found === 'unknown'
        // By hours, one after the other: does it rule in any of those, or in the one before or after?
        const ruled = Array.from({ length: length + 2 }, (_none, i) => (at - 1 + i) * HOUR).some(
          (hour) => own.from < hour + HOUR && own.until > hour,
        )
        return found === (ruled ? null : 'untimely')
      },
    ),
  )
  const [reigns, span] = [CHANGED.reigns(), { from: NOON, until: NOON + HOUR }]
  t.equal(strangenessOf(FORMER.hash, span, reigns, 'driven'), null, 'a driven day is not dated')
  t.equal(
    strangenessOf(FOREIGN.hash, span, reigns, 'driven'),
    'unknown',
    'but nobody activated this one, ever',
  )
  t.equal(strangenessOf('', span, reigns, 'driven'), 'none', 'and a driven run writes hashes, too')
  t.equal(strangenessOf('', span, reigns, 'before'), null)
  t.equal(strangenessOf('', span, null, null), 'none', 'without a register a hash must be there')
  t.equal(strangenessOf(FOREIGN.hash, span, null, null), null)
})

t.test('what is stored as it should be passes: rows, cells, and over a change of the rulebook', async (t) => {
  const { collectorOf, running, stores } = await open('prov_good', CHANGED)
  t.same(running.aggregator.checks(), [], 'nothing is said before the first run')
  await collectorOf(FORMER).send(DAY_START + 9 * HOUR, ROWS.slice(0, 12))
  await running.collector.send(DAY_START + 10 * HOUR, ROWS.slice(12))
  await running.aggregator.stage()
  t.same(
    (await running.warehouse.rowProvenance('day')).map(({ rulebook: hash }) => hash),
    [FORMER.hash, rulebook.hash],
    'each row carries the hash of its batch',
  )
  await running.collector.watermark(NOON)
  await running.advance(NOON)
  await running.warehouse.insertCells(new Map([['m', [{ ...CELL, rulebook: FORMER.hash }]]]))
  t.match(await checked(running), { id: 'INV-19', ok: true, at: '2026-11-02T12:00:00Z', findings: [] })
  t.same(stores.alarms, [])
  await running.close()
})

t.test(
  'a row of a foreign rulebook makes the check fail and the alarm sound, until it is gone',
  async (t) => {
    const { running, stores } = await open('prov_rows', CHANGED)
    const before = createRows(ROWS.length)
    await running.warehouse.land('day', before, 'foreign', { rulebook: FOREIGN.hash })
    const failed = await checked(running)
    t.match(failed, { ok: false, findings: [/nobody activated/] })
    t.match(stores.alarms, [/INV-19 failed: .*nobody activated/])
    t.notMatch(stores.alarms.join(), FOREIGN.hash, 'the alarm quotes nothing of what it found')
    await running.warehouse.settle('day', [NOON], { deduplicate: false, resume: false, queryId: 'q1' })
    await running.warehouse.dropLanding('day', [NOON])
    t.match(await checked(running), { ok: false }, 'in staging as well')
    await running.warehouse.land('day', before, 'former', { rulebook: FORMER.hash })
    await running.warehouse.dropEpoch('day', EPOCH)
    t.match(await checked(running), { ok: false, findings: [/was not in force when they came/] })
    await running.warehouse.dropLanding('day', [NOON])
    await running.warehouse.land('day', before, 'bare', { rulebook: '' })
    t.match(await checked(running), { ok: false, findings: [/carry no hash/] })
    await running.warehouse.dropLanding('day', [NOON])
    t.match(await checked(running), { ok: true, findings: [] })
    t.equal(stores.alarms.length, 4)
    await running.close()
  },
)

t.test('that the check fails goes on record when it begins to, and again after it held', async (t) => {
  const { running, stores } = await open('prov_record', CHANGED)
  const onRecord = (): number => stores.evidence.filter(({ action }) => action === 'provenance.failed').length
  const harm = () => running.warehouse.land('day', createRows(2), 'foreign', { rulebook: FOREIGN.hash })
  await checked(running)
  t.equal(onRecord(), 0)
  await harm()
  for (let hour = 0; hour < 3; hour++) await checked(running)
  t.same(
    stores.evidence,
    [
      {
        actor: 'aggregator',
        rulebook: rulebook.hash,
        action: 'provenance.failed',
        object: { check: 'inv-19' },
      },
    ],
    'once, and of what was found not a word',
  )
  await running.close()
  const again = await stores.open()
  await checked(again)
  t.equal(onRecord(), 1, 'a restart is no change')
  await again.warehouse.dropLanding('day', [NOON])
  await checked(again)
  await again.warehouse.land('day', createRows(2), 'once-more', { rulebook: FOREIGN.hash })
  stores.isEvidenceAway = true
  t.match(await checked(again), { ok: false }, 'it is known here, though nothing can be put on record')
  t.match(stores.alarms.at(-1), /not on record yet/)
  stores.isEvidenceAway = false
  for (let hour = 0; hour < 2; hour++) await checked(again)
  t.equal(onRecord(), 2)
  await again.close()
})

/** Lines as a collector writes them, received at noon. */
function createRows(count: number): Buffer[] {
  const dimensions = streamPlans(rulebook)[0]?.dimensions ?? []
  return Array.from({ length: count }, (_none, row) =>
    Buffer.from(
      `${JSON.stringify(['0123456789abcdef', 0, row, NOON / 1_000, '2026-11-02', NOON / 1_000, 'erp', 'page_view', 'established', 't', 'p', '', `e${String(row)}`, ...dimensions.map(() => '')])}\n`,
    ),
  )
}

t.test('a released cell of a foreign rulebook makes the check fail, and stays found', async (t) => {
  for (const [name, hash, finding] of [
    ['foreign', FOREIGN.hash, /Released .* nobody activated/],
    ['bare', '', /Released .* no hash/],
  ] as const) {
    const { running, stores } = await open(`prov_cells_${name}`, CHANGED)
    await running.warehouse.insertCells(new Map([['m', [{ ...CELL, rulebook: hash }]]]))
    t.match(await checked(running), { ok: false, findings: [finding] }, name)
    t.equal(stores.alarms.length, 1)
    await running.close()
    const again = await stores.open()
    t.match(again.aggregator.checks(), [{ ok: false, findings: [finding] }], 'a restart forgets nothing')
    await again.close()
  }
  const { running } = await open('prov_cells_late', CHANGED)
  const next = { ...CELL, windowStart: DAY_START + 48 * HOUR, rulebook: FORMER.hash }
  await running.warehouse.insertCells(new Map([['m', [next]]]))
  t.match(await checked(running), { ok: false, findings: [/not in force over their time/] })
  await running.close()
})

t.test('a batch of a rulebook that ruled, but not then, is set aside with an alarm', async (t) => {
  const { collectorOf, running, stores } = await open('prov_batches', CHANGED)
  const former = collectorOf(FORMER)
  await former.send(DAY_START + 9 * HOUR, ROWS.slice(0, 6))
  await former.send(DAY_START + 10 * HOUR, ROWS.slice(6, 8))
  await former.send(DAY_START + 11 * HOUR, ROWS.slice(8, 16))
  await running.collector.send(DAY_START + 8 * HOUR, ROWS.slice(16, 20))
  await running.collector.send(DAY_START + 9 * HOUR, ROWS.slice(20))
  await running.aggregator.stage()
  t.match(running.state.window('day', EPOCH), { accepted: ROWS.length, quarantined: 12 })
  t.same(
    stores.alarms.map((alarm) => /was not in force in its hour/.test(alarm)),
    [true, true],
    'one after its reign, one before it; the hours beside a change are both’s',
  )
  t.match(await checked(running), { ok: true }, 'nothing of them is stored')
  await running.close()
})

t.test('a day that a driven run fills takes what ever ruled, and its check as well', async (t) => {
  const { collectorOf, running, stores } = await open('prov_driven', CHANGED)
  await running.state.markDriven(DAY_START + 11 * HOUR)
  await collectorOf(FORMER).send(DAY_START + 11 * HOUR, ROWS.slice(0, 8))
  await collectorOf(FOREIGN).send(DAY_START + 11 * HOUR, ROWS.slice(8))
  await running.aggregator.stage()
  t.match(running.state.window('day', EPOCH), { accepted: ROWS.length, quarantined: 16 })
  t.match(stores.alarms, [/nobody activated/])
  t.match(await checked(running), { ok: true })
  await running.close()
})

t.test('days that were there before rows carried a hash may have rows without one', async (t) => {
  const { running, stores } = await open('prov_before', CHANGED)
  await running.collector.send(DAY_START + 11 * HOUR, ROWS)
  await running.aggregator.stage()
  await running.warehouse.land('day', createRows(4), 'bare', { rulebook: '' })
  t.match(await checked(running), { ok: false })
  await running.close()
  // As an older version left it: the windows are there, and nothing is said of hashes on rows.
  const db = openLmdb<unknown, string>({
    path: join(dir, 'prov_before', 'state', 'state.mdb'),
    encoding: 'json',
  })
  await db.remove('provenance')
  await db.flushed
  await db.close()
  const again = await stores.open()
  t.match(await checked(again), { ok: true, findings: [] })
  await again.collector.send(DAY_START + 11 * HOUR, [{ ...(ROWS[0] as Row), at: DAY_START + 24 * HOUR }])
  await again.aggregator.stage()
  t.equal(again.state.undated(DAY_START, DAY_START + HOUR), 'before')
  t.equal(
    again.state.undated(DAY_START + 24 * HOUR, DAY_START + 25 * HOUR),
    null,
    'a day that came since is dated',
  )
  await again.close()
})

t.test('without a register only the lack of a hash is found, and the answer says so', async (t) => {
  const { running } = await open('prov_sample', { ...CHANGED, reigns: () => null })
  await running.warehouse.land('day', createRows(4), 'x', { rulebook: FOREIGN.hash })
  t.match(await checked(running), {
    ok: true,
    title: /every hash is there$/,
    findings: [/on no record here/],
  })
  await running.close()
})

t.test('a batch of a version that is not known is set aside by its name, and nothing stops', async (t) => {
  const { running, stores } = await open('prov_version')
  const sealed = await running.collector.seal(DAY_START, ROWS.slice(0, 4))
  sealed.write('TCB2', 0, 'latin1')
  await running.log.append(sealed, DAY_START)
  await running.collector.send(DAY_START, ROWS.slice(4))
  await running.aggregator.stage()
  t.match(stores.alarms, [/set aside: .*version 2/])
  t.equal((await running.warehouse.landingHours('day'))[0]?.rows, ROWS.length - 4)
  await running.close()
})
