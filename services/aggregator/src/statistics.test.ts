/** Statistics of every shape and window, from rows to released cells. */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import type { StoredCell } from '@tacit/warehouse'
import t, { type Test } from 'tap'
import { budgetChange } from './budget.js'
import { siteNoise } from './noise.js'
import { emptyWindow } from './records.js'
import { soleRulebook } from './rulebooks.js'
import { behind } from './testing/interrupt.js'
import { type Doors, erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, type Row, type WeekRow } from './testing/traffic.js'
import { dayRulebook, did, USE, used } from './testing/use.js'

const server = await testServer(t)
const dir = t.testdir()
const CLOSE = DAY_START + DAY + HOUR
const WEEK = 'week:2026-11-02'
const CLOSE_OF_WEEK = DAY_START + 7 * DAY + HOUR

interface Opened {
  readonly stores: TestStores
  readonly running: TestProcess
}

async function open(
  t: Test,
  name: string,
  rulebook: Rulebook,
  between?: (doors: Doors) => Doors,
): Promise<Opened> {
  const stores = new TestStores(join(dir, name), server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  stores.keeper.openEpoch(WEEK)
  const running = await stores.open(between)
  t.teardown(() => running.close())
  return { stores, running }
}

async function close({ running }: Opened, rows: readonly Row[]): ReturnType<TestProcess['advance']> {
  await running.collector.send(DAY_START + 23 * HOUR, rows)
  await running.collector.watermark(CLOSE)
  return running.advance(CLOSE)
}

/** Cells of a statistic in a line each, with what is public of them. */
async function told(
  { warehouse }: TestProcess,
  statistic: string,
  window: StoredCell['window'],
): Promise<string[]> {
  const found: StoredCell[] = []
  for (const depth of [1, 2, 3]) found.push(...(await warehouse.queryCells({ statistic, window, depth })))
  return found
    .map(({ dims, events, share, users, windowStart }) => {
      const hour = window === 'hour' ? `${String((windowStart - DAY_START) / HOUR)}h ` : ''
      const numbers = Object.entries({ users, events, share }).flatMap(([name, value]) =>
        value === null ? [] : [`${String(value)} ${name}`],
      )
      return `${hour}${dims.join('|')}: ${numbers.join(', ')}`
    })
    .sort()
}

t.test('a day tells of every shape what it may', async (t) => {
  const opened = await open(t, 'shapes', dayRulebook())
  const { running, stores } = opened
  const { released } = await close(opened, USE)
  t.same(stores.alarms, [])
  t.same(released.map(({ statistic, window }) => `${statistic} ${window}`).sort(), [
    'features day',
    'invoice day',
    'pages day',
    'pages hour',
    'payroll day',
    'speed day',
  ])
  await t.test('hours are released with their day', async (t) => {
    t.same(await told(running, 'pages', 'hour'), ['10h /invoices/new: 40 users', '10h /payroll: 30 users'])
  })
  await t.test('a group of one drill stays whole', async (t) => {
    t.same(await told(running, 'pages', 'day'), [
      '/invoices/new: 40 users, 48 events',
      '/payroll: 30 users, 36 events',
    ])
  })
  await t.test(
    'a sensitive event that everybody of a role did is pooled, with the smallest beside it',
    async (t) => {
      t.same(await told(running, 'features', 'day'), [
        'invoice.save: 40 users, 40 events',
        'invoice.save|(other): 20 users, 20 events',
        'invoice.save|sales: 20 users, 20 events',
        'payroll.run: 30 users, 36 events',
        'payroll.run|(other): 20 users, 24 events',
        'payroll.run|sales: 10 users, 12 events',
      ])
    },
  )
  await t.test('buckets of a histogram merge until they pass; of one bucket there is none', async (t) => {
    t.same(await told(running, 'speed', 'day'), [
      '/dashboard|100-299: 25 share',
      '/dashboard|<100: 42 share',
      '/dashboard|>=300: 33 share',
    ])
  })
  await t.test('a funnel tells people who did the steps in order', async (t) => {
    t.same(await told(running, 'invoice', 'day'), [
      'event:invoice.save: 40 users',
      'event:payroll.run: 30 users',
      'page:/invoices/new: 40 users',
    ])
  })
  await t.test('that everybody went on to a sensitive step is not told, nor what came after', async (t) => {
    t.same(await told(running, 'payroll', 'day'), ['page:/payroll: 30 users'])
  })
})

t.test('a page that is used around the clock has 24 cells of hours', async (t) => {
  const opened = await open(t, 'hours', erpRulebook('pages'))
  const rows = Array.from({ length: 24 }, (_none, hour) =>
    did(hour % 2 === 0 ? 0 : 12, hour % 2 === 0 ? 12 : 24, 'page_view', { path: '/dashboard' }, hour),
  ).flat()
  const { released } = await close(opened, rows)
  const hours = await told(opened.running, 'pages', 'hour')
  t.same(hours, Array.from({ length: 24 }, (_none, hour) => `${String(hour)}h /dashboard: 10 users`).sort())
  t.match(
    released.find(({ window }) => window === 'hour'),
    { cells: 24, windowStart: DAY_START, withheld: null },
  )
  t.equal(
    opened.running.state.window('day', EPOCH).manifests.length,
    2,
    'the hours of a day are one manifest',
  )
})

/** That people of these numbers used a feature in the week. */
const inWeek = (event_name: string, from: number, to: number): WeekRow[] =>
  used(event_name, from, to).map(({ dims = {}, person, tenant }) => ({
    at: DAY_START,
    person: `week-${person}`,
    tenant,
    statistic: 'features',
    dims,
  }))

const cameBack = (from: number, to: number): WeekRow[] =>
  did(from, to, '', { cohort: '2026-03' }).map(({ dims = {}, person, tenant }) => ({
    at: DAY_START,
    person: `back-${person}`,
    tenant,
    statistic: 'retention',
    dims,
  }))

t.test('a week tells its own people, and sums of its published days alone', async (t) => {
  const lying = (doors: Doors): Doors => ({
    ...doors,
    warehouse: {
      ...doors.warehouse,
      clean: async (request) => {
        const rows = await doors.warehouse.clean(request)
        // Wednesday is withheld: its rows do not add up.
        return request.epoch === 'day:2026-11-04' ? { ...rows, total: (of) => rows.total(of) + 1 } : rows
      },
    },
  })
  const { running, stores } = await open(t, 'week', erpRulebook('features', 'retention'), lying)
  const week = [...inWeek('invoice.save', 0, 48), ...inWeek('payroll.run', 0, 5), ...cameBack(0, 40)]
  for (const [day, rows] of [
    [0, used('invoice.save', 0, 40)],
    // Three of Tuesday's features are too small by themselves.
    [
      1,
      [
        ...used('invoice.save', 0, 24),
        ...used('item.create', 0, 9),
        ...used('gst.file', 10, 19),
        ...used('bulk.import', 20, 29),
      ],
    ],
    [2, used('invoice.save', 0, 48)],
  ] as const) {
    stores.keeper.openEpoch(`day:2026-11-0${String(2 + day)}`)
    const noon = DAY_START + day * DAY + 12 * HOUR
    const moved = rows.map((row) => ({ ...row, at: row.at + day * DAY }))
    await running.collector.send(noon, moved, day === 0 ? { week } : {})
    await running.collector.watermark(DAY_START + (day + 1) * DAY + HOUR)
    await running.advance(DAY_START + (day + 1) * DAY + HOUR)
  }
  t.equal(running.state.window('day', 'day:2026-11-04').status, 'withheld')
  t.match(stores.alarms, [/checker refused/])
  await running.collector.watermark(CLOSE_OF_WEEK)
  const { released } = await running.advance(CLOSE_OF_WEEK)
  t.same(
    released.map(({ statistic, window }) => `${statistic} ${window}`),
    ['features week', 'retention week'],
  )
  const cells = await told(running, 'features', 'week')
  const plain = cells.filter((line) => !line.includes('|'))
  t.same(
    plain,
    ['(other): 27 events', 'invoice.save: 40 users, 64 events'],
    'Monday and Tuesday; of Wednesday nothing, and of what the week has too few of no people',
  )
  t.same(await told(running, 'retention', 'week'), ['2026-03: 40 users'])
})

t.test('of a window that two rulebooks ruled, only what meant the same in both is released', async (t) => {
  const rulebook = erpRulebook('pages', 'features')
  const former: Rulebook = {
    ...rulebook,
    hash: 'f'.repeat(64),
    statistics: rulebook.statistics.map((one) => (one.id === 'pages' ? { ...one, drill: [] } : one)),
  }
  const { running, stores } = await open(t, 'two_rulebooks', rulebook)
  await running.close()
  stores.rulebooks = {
    ...soleRulebook(rulebook),
    ofHash: (hash) => [former, rulebook].find((one) => one.hash === hash) ?? null,
    ruling: () => [former, rulebook],
  }
  const second = await stores.open()
  const { released } = await close({ stores, running: second }, USE)
  t.same(
    released.map(({ statistic }) => statistic),
    ['features'],
  )
  t.same(await told(second, 'pages', 'day'), [])
  await second.close()
})

t.test('cutting and checking that takes longer than 30 s releases nothing', async (t) => {
  const opened = await open(t, 'slow', erpRulebook('pages', 'features'))
  const { now } = performance
  let late = 0
  // Each look at the clock is sixteen seconds later than it is.
  performance.now = () => now.call(performance) + 16_000 * late++
  t.teardown(() => {
    performance.now = now
  })
  t.same((await close(opened, USE)).released, [])
  performance.now = now
  t.match(opened.stores.alarms, [/checker refused a release \(time\)/])
  t.equal(opened.running.state.window('day', EPOCH).status, 'withheld')
  t.same(await told(opened.running, 'features', 'day'), [])
})

/** Two sites with noise, of which a year has room for five days. */
function noisedRulebook(): Rulebook {
  const rulebook = erpRulebook('pages')
  const [pages] = rulebook.statistics as [Statistic]
  const { erp } = rulebook.sites
  if (erp === undefined) throw new Error('no such site')
  return {
    ...rulebook,
    sites: { erp, web: { ...erp, id: 'web' } },
    statistics: [pages, { ...pages, id: 'screens', site: 'web' }],
    release: {
      ...rulebook.release,
      noise: { unit: 'user-day', mechanism: 'laplace', epsilon: 20, capPerYear: 100 },
    },
  }
}

const NOISED = did(0, 300, 'page_view', { path: '/dashboard', device: 'desktop' })

t.test('noise is drawn once: a crash after the commit inserts the same numbers', async (t) => {
  const rulebook = noisedRulebook()
  const { running, stores } = await open(t, 'noise', rulebook)
  await running.close()
  const second = await stores.open(
    behind((name, call) =>
      name === 'warehouse.insertCells' ? Promise.reject(new Error('no answer')) : call(),
    ),
  )
  await second.collector.send(DAY_START + 23 * HOUR, NOISED)
  await second.collector.watermark(CLOSE)
  await t.rejects(second.advance(CLOSE))
  const { manifests } = second.state.window('day', EPOCH)
  const committed = manifests.map((id) => second.state.manifest(id))
  t.equal(second.state.budget.rows('erp').length, 1, 'charged with the commit')
  await second.close()
  const third = await stores.open()
  await third.advance(CLOSE)
  t.same(
    third.state.window('day', EPOCH).manifests.map((id) => third.state.manifest(id)),
    committed,
  )
  t.equal(third.state.budget.rows('erp').length, 1, 'and not again')
  const [cell] = await third.warehouse.queryCells({ statistic: 'pages', window: 'day' })
  t.match(cell, { dims: ['/dashboard'], floor: 10 })
  t.ok((cell?.users_error ?? 0) > 0 && (cell?.events_error ?? 0) > 0, 'error bars stand beside the numbers')
  t.ok(Math.abs((cell?.users ?? 0) - 300) < 60, `${String(cell?.users)} of 300 people`)
  const text = committed.find((one) => one?.id.includes('/day/') === true)?.text ?? ''
  t.match(text, `"events":${String(cell?.events)}`)
  await third.close()
})

t.test('a site whose budget has no room is not released, and another one is', async (t) => {
  const rulebook = noisedRulebook()
  const { running, stores } = await open(t, 'budget', rulebook)
  const plan = siteNoise(rulebook, rulebook.sites['erp'] as Rulebook['sites'][string])
  if (plan === null) throw new Error('no noise')
  for (let day = 1; day <= 5; day += 1) {
    const epoch = `day:2026-10-0${String(day)}`
    const charge = { site: 'erp', stream: 'day', epoch, plan, statistics: ['pages'] } as const
    await running.state.commitWindow('day', epoch, emptyWindow(), [], budgetChange([charge]))
    await running.state.putWindow('day', epoch, {
      ...running.state.window('day', epoch),
      status: 'released',
      dropped: true,
    })
  }
  const { released } = await close({ stores, running }, [
    ...NOISED,
    ...NOISED.map((row) => ({ ...row, site: 'web' })),
  ])
  t.same([...new Set(released.map(({ statistic }) => statistic))], ['screens'])
  t.match(stores.alarms, [/privacy budget of erp has no room/])
  t.same(await told(running, 'pages', 'day'), [])
  t.equal((await told(running, 'screens', 'day')).length, 1)
  t.match(running.state.window('day', EPOCH), { status: 'released' })
})
