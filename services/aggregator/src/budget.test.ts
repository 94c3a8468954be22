import { join } from 'node:path'
import { DAY, epochOf, type Stream, TacitError } from '@tacit/contracts'
import {
  epsilonOf,
  formatRational,
  type NoiseBudget,
  noisePlan,
  parseRational,
  rationalToNumber,
} from '@tacit/disclosure'
import t, { type Test } from 'tap'
import { type BudgetCharge, budgetChange } from './budget.js'
import { type CommittedManifest, emptyWindow } from './records.js'
import { AggregatorState } from './state.js'
import { StateStore } from './state-store.js'
import { memoryTopic } from './testing/memory-journal.js'

const FIRST = Date.UTC(2026, 0, 1)
const counts = { type: 'counts' } as const

/** Two numbers a day and two a week, of which each costs a quarter. */
function charge(noise: NoiseBudget, stream: Stream, time: number, site = 'erp'): BudgetCharge {
  const plan = noisePlan({
    noise,
    minUsers: 10,
    maxEventsPerPerson: 20,
    kinds: 4,
    membershipsPerPerson: 20,
    largestSeconds: 0,
    statistics: [
      {
        id: 'pages',
        shape: counts,
        windows: ['day'],
        where: { kind: 'page_view' },
        drill: [],
        measures: ['users', 'events'],
      },
      {
        id: 'features',
        shape: counts,
        windows: ['week'],
        where: { kind: 'feature' },
        drill: ['role'],
        measures: ['users'],
      },
    ],
  })
  return { site, stream, epoch: epochOf(stream, time).label, plan, statistics: ['pages', 'features'] }
}

const laplace = (epsilon: number, capPerYear: number): NoiseBudget => ({
  mechanism: 'laplace',
  epsilon,
  capPerYear,
})
const gaussian = (rho: number, capPerYear: number): NoiseBudget => ({
  mechanism: 'gaussian',
  rho,
  delta: 1e-6,
  capPerYear,
})

/** What a release commits: one manifest, with an error bar. */
function manifestOf(
  { epoch, site }: BudgetCharge,
  cells = '[{"users":120,"users_error":31}]',
): CommittedManifest {
  return { id: `${site}/pages/day/${epoch}`, text: `{"cells":${cells}}`, hash: 'hash' }
}

const commit = (state: AggregatorState, charged: BudgetCharge): Promise<void> =>
  state.commitWindow(
    charged.stream,
    charged.epoch,
    emptyWindow(),
    [manifestOf(charged)],
    budgetChange([charged]),
  )

function opened(t: Test): AggregatorState {
  const state = AggregatorState.open(t.testdir())
  t.teardown(() => state.close())
  return state
}

const REFUSED = { code: 'ERR_RELEASE_BUDGET' }

t.test(
  'a year of days reaches its cap exactly, and one part in a thousand less does not hold it',
  async (t) => {
    const state = opened(t)
    // Half of each day is that of the week, which is not released here.
    const full = gaussian(0.03, 5.475)
    for (let day = 0; day < 365; day++) await commit(state, charge(full, 'day', FIRST + day * DAY))
    const rows = state.budget.rows('erp')
    t.equal(rows.length, 365)
    t.same([rows.at(-1)?.cost, rows.at(-1)?.yearSum, rows.at(-1)?.capPerYear], ['3/200', '219/40', '219/40'])
    t.ok(
      state.budget.hasRoom(charge(full, 'day', FIRST + 365 * DAY)),
      'the first day is out of the year by then',
    )
    const less = gaussian(0.03, 5.47)
    t.notOk(state.budget.hasRoom(charge(less, 'day', FIRST + 365 * DAY)))
    await t.rejects(commit(state, charge(less, 'day', FIRST + 365 * DAY)), REFUSED)
    t.equal(state.window('day', epochOf('day', FIRST + 365 * DAY).label).status, 'open')
  },
)

t.test('the year slides: a day finds room when one as dear has left it', async (t) => {
  const state = opened(t)
  const noise = laplace(2, 3)
  for (const day of [0, 1, 2]) await commit(state, charge(noise, 'day', FIRST + day * DAY))
  for (const day of [3, 100, 364])
    await t.rejects(commit(state, charge(noise, 'day', FIRST + day * DAY)), REFUSED)
  await commit(state, charge(noise, 'day', FIRST + 365 * DAY))
  await t.rejects(commit(state, charge(noise, 'day', FIRST + 365 * DAY - DAY)), REFUSED)
  t.equal(state.budget.rows('erp').length, 4)
})

t.test('a day that is released late is counted in the years after it, too', async (t) => {
  const state = opened(t)
  const noise = laplace(2, 2)
  await commit(state, charge(noise, 'day', FIRST + 200 * DAY))
  await commit(state, charge(noise, 'day', FIRST + 300 * DAY))
  await t.rejects(
    commit(state, charge(noise, 'day', FIRST)),
    REFUSED,
    'a year from it holds both of the others',
  )
  await commit(state, charge(noise, 'day', FIRST - 65 * DAY))
  t.equal(
    state.budget.rows('erp').find(({ partition }) => partition === epochOf('day', FIRST - 65 * DAY).label)
      ?.yearSum,
    '2',
  )
})

t.test('a week is charged once, in every year that touches it', async (t) => {
  const state = opened(t)
  const monday = Date.UTC(2026, 0, 5)
  const noise = laplace(2, 2)
  await commit(state, charge(noise, 'week', monday))
  t.match(state.budget.rows('erp'), [{ release: 'erp/week:2026-01-05', cost: '1', yearSum: '1' }])
  await commit(state, charge(noise, 'day', monday + 6 * DAY))
  // A year that ends on that day begins with the Sunday of that week.
  await t.rejects(commit(state, charge(noise, 'day', monday + 370 * DAY)), REFUSED)
  await commit(state, charge(noise, 'day', monday + 371 * DAY))
})

t.test('each site has a year of its own', async (t) => {
  const state = opened(t)
  const noise = laplace(2, 1)
  const both = ['erp', 'website'].map((site) => charge(noise, 'day', FIRST, site))
  const [one] = both
  const epoch = one?.epoch ?? ''
  await state.commitWindow(
    'day',
    epoch,
    emptyWindow(),
    both.map((each) => manifestOf(each)),
    budgetChange(both),
  )
  t.same(
    ['erp', 'website'].map((site) => state.budget.rows(site).map(({ yearSum }) => yearSum)),
    [['1'], ['1']],
  )
  t.same(state.budget.rows('er'), [])
})

t.test('a release that one site has no budget for commits nothing of any', async (t) => {
  const state = opened(t)
  const noise = laplace(2, 1)
  await commit(state, charge(noise, 'day', FIRST, 'website'))
  const next = ['erp', 'website'].map((site) => charge(noise, 'day', FIRST + DAY, site))
  const epoch = next[0]?.epoch ?? ''
  const manifests = next.map((each) => manifestOf(each))
  await t.rejects(state.commitWindow('day', epoch, emptyWindow(), manifests, budgetChange(next)), REFUSED)
  t.same(state.budget.rows('erp'), [])
  t.equal(state.manifest(manifests[0]?.id ?? ''), undefined)
  t.equal(state.window('day', epoch).status, 'open')
  await t.rejects(
    state.commitWindow(
      'day',
      epoch,
      emptyWindow(),
      [],
      budgetChange([next[0] as BudgetCharge, next[0] as BudgetCharge]),
    ),
    REFUSED,
    'nor is a site charged twice',
  )
})

t.test('a second call for the same release adds nothing, also after a restart', async (t) => {
  const dir = t.testdir()
  const first = AggregatorState.open(dir)
  const one = charge(laplace(2, 1), 'day', FIRST)
  await commit(first, one)
  await commit(first, one)
  await first.close()
  const second = AggregatorState.open(dir)
  await commit(second, one)
  t.match(second.budget.rows('erp'), [{ release: 'erp/day:2026-01-01', cost: '1', yearSum: '1' }])
  t.equal(second.budget.rows('erp').length, 1)
  t.ok(second.budget.hasRoom(one), 'what is paid for has room')
  await second.close()
  // The window's record was lost, the ledger's row was not: what was published stays paid for, once.
  const store = StateStore.open(dir)
  await store.transaction(() => store.remove(['window', 'day', one.epoch]))
  await store.close()
  const third = AggregatorState.open(dir)
  await commit(third, one)
  t.equal(third.budget.rows('erp').length, 1)
  await third.close()
})

t.test('a crash between leaves the row and the manifest, or neither', async (t) => {
  const topic = memoryTopic()
  const dir = t.testdir()
  let isDead = false
  const open = async (name: string) => {
    const shared = await AggregatorState.share(join(dir, name), async (apply) => {
      const journal = await topic.open(apply)
      return {
        own: () => journal.own(),
        close: () => journal.close(),
        write: (changes: Parameters<typeof journal.write>[0]) =>
          isDead ? Promise.reject(new TacitError('ERR_LOG_FENCED')) : journal.write(changes),
      }
    })
    await shared.journal.own()
    return shared.state
  }
  const one = charge(laplace(2, 1), 'day', FIRST)
  const dying = await open('dying')
  isDead = true
  await t.rejects(commit(dying, one), { code: 'ERR_LOG_FENCED' })
  isDead = false
  const next = await open('next')
  t.same([next.budget.rows('erp'), next.manifest(manifestOf(one).id)], [[], undefined])
  await commit(next, one)
  const last = await open('last')
  t.match(last.budget.rows('erp'), [{ release: 'erp/day:2026-01-01' }])
  t.equal(last.manifest(manifestOf(one).id)?.hash, 'hash')
  for (const state of [dying, next, last]) await state.close()
})

t.test('what has an error bar is not committed without a row, and what has none needs no row', async (t) => {
  const state = opened(t)
  const one = charge(laplace(2, 1), 'day', FIRST)
  const of = (cells: string) => state.commitWindow('day', one.epoch, emptyWindow(), [manifestOf(one, cells)])
  for (const bar of ['users', 'events', 'visits', 'time_s', 'share'])
    await t.rejects(of(`[{"${bar}_error":3}]`), REFUSED)
  const other = { ...one, site: 'website' }
  await t.rejects(
    state.commitWindow('day', one.epoch, emptyWindow(), [manifestOf(one)], budgetChange([other])),
    REFUSED,
    'the row of another site is none',
  )
  t.same(state.budget.rows('website'), [])
  await of(`[{"dims":[${JSON.stringify('"users_error":3')}],"users_error":null}]`)
  t.equal(state.window('day', one.epoch).status, 'committed')
})

for (const [what, damage] of [
  ['a cost that is no fraction', { cost: 'much' }],
  ['a cost below zero', { cost: '-1' }],
  ['a number in the place of a fraction', { cost: 1 }],
  ['a cost that is less than its numbers', { cost: '1/2' }],
  ['numbers that cost more', { numbers: [{ cost: '2' }] }],
  ['another notion', { in: 'hope' }],
  ['a delta of one', { delta: 1 }],
  ['another site', { site: 'website' }],
  ['an epoch that is none', { partition: 'day:soon' }],
  ['no field at all', null],
] as const) {
  t.test(`a ledger with a row of ${what} has no room for anything`, async (t) => {
    const dir = t.testdir()
    const state = AggregatorState.open(dir)
    const [one, two] = [0, 1].map((day) => charge(laplace(2, 100), 'day', FIRST + day * DAY)) as [
      BudgetCharge,
      BudgetCharge,
    ]
    await commit(state, one)
    await state.close()
    const store = StateStore.open(dir)
    const key = ['budget', 'erp', one.epoch]
    const row = store.get(key) as object
    await store.transaction(() => store.put(key, damage === null ? 1 : { ...row, ...damage }))
    await store.close()
    const damaged = AggregatorState.open(dir)
    t.throws(() => damaged.budget.rows('erp'), REFUSED)
    t.throws(() => damaged.budget.hasRoom(two), REFUSED)
    await t.rejects(commit(damaged, two), REFUSED)
    t.equal(damaged.window('day', two.epoch).status, 'open')
    await damaged.close()
  })
}

t.test('a ledger that lacks a row has no room for anything', async (t) => {
  const dir = t.testdir()
  const state = AggregatorState.open(dir)
  const days = [0, 1, 2].map((day) => charge(laplace(2, 100), 'day', FIRST + day * DAY))
  await commit(state, days[0] as BudgetCharge)
  await commit(state, days[1] as BudgetCharge)
  await state.close()
  const store = StateStore.open(dir)
  await store.transaction(() => store.remove(['budget', 'erp', days[0]?.epoch ?? '']))
  await store.close()
  const damaged = AggregatorState.open(dir)
  await t.rejects(commit(damaged, days[2] as BudgetCharge), REFUSED)
  await damaged.close()
})

t.test('a year that was charged in the other notion counts as what it is in this one', async (t) => {
  const state = opened(t)
  await commit(state, charge(laplace(2, 10), 'day', FIRST))
  await commit(state, charge(gaussian(0.2, 10), 'day', FIRST + DAY))
  const [first, second] = state.budget.rows('erp')
  t.same([first?.in, first?.cost], ['epsilon', '1'])
  t.same([second?.in, second?.cost], ['rho', '1/10'])
  t.same(second?.yearSum, '3/5', 'epsilon²/2 = 1/2, and 1/10')
  await commit(state, charge(laplace(2, 10), 'day', FIRST + 2 * DAY))
  const third = state.budget.rows('erp')[2]
  const expected = 2 + epsilonOf(0.1, 1e-6)
  const sum = rationalToNumber(parseRational(third?.yearSum ?? '0'))
  t.ok(sum >= expected && sum < expected + 1e-9, `${sum}: rounded up, by next to nothing`)
})

t.test('a row says what was drawn of which release, and nothing of what another one draws', async (t) => {
  const state = opened(t)
  const one = charge(laplace(2, 1), 'day', FIRST)
  await commit(state, one)
  t.same(state.budget.rows('erp'), [
    {
      release: 'erp/day:2026-01-01',
      site: 'erp',
      partition: 'day:2026-01-01',
      unit: 'user-day',
      in: 'epsilon',
      cost: '1',
      delta: 1e-6,
      numbers: ['users', 'events'].map((measure) => ({
        statistic: 'pages',
        window: 'day',
        measure,
        depths: 1,
        l0: 20,
        l1: 20,
        l2Squared: measure === 'users' ? '20' : '400',
        parameter: '40',
        cost: '1/2',
      })),
      yearSum: '1',
      capPerYear: '1',
    },
  ])
  t.equal(formatRational(one.plan.budget), '2', 'the other half is that of the week')
  const without = { ...charge(laplace(2, 1), 'day', FIRST + 400 * DAY), statistics: ['features'] }
  await state.commitWindow('day', without.epoch, emptyWindow(), [], budgetChange([without]))
  t.match(state.budget.rows('erp')[1], { cost: '0', numbers: [] })
})
