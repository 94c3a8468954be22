/** What a closed window publishes: who counts, once, and when (design.md, decision 7 and "Disclosure", step 1). */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import type { CleanedRows, NodeCount, StoredCell } from '@tacit/warehouse'
import t, { type Test } from 'tap'
import { behind } from './testing/interrupt.js'
import { type Doors, erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type Row } from './testing/traffic.js'

const server = await testServer(t)
const dir = t.testdir()
const CLOSE = DAY_START + DAY + HOUR
const DEATH = DAY_START + 3 * DAY
const RECEIVED = DAY_START + 23 * HOUR

interface Opened {
  readonly stores: TestStores
  readonly running: TestProcess
  pages(): Promise<readonly StoredCell[]>
}

async function open(
  t: Test,
  name: string,
  between?: (doors: Doors) => Doors,
  ...statistics: readonly string[]
): Promise<Opened> {
  const rulebook = erpRulebook(...(statistics.length > 0 ? statistics : ['pages']))
  const stores = new TestStores(join(dir, name), server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open(between)
  t.teardown(() => running.close())
  return { stores, running, pages: () => running.warehouse.queryCells({ statistic: 'pages', window: 'day' }) }
}

/** Sends rows and lets the window close. */
async function close({ running }: Opened, rows: readonly Row[]): ReturnType<TestProcess['advance']> {
  await running.collector.send(RECEIVED, rows)
  await running.collector.watermark(CLOSE)
  return running.advance(CLOSE)
}

const shown = (cells: readonly StoredCell[]) =>
  cells.map(({ dims, users, events }) => ({ dims, users, events }))
const CROWD = pageViews({ tenants: 6, perTenant: 6 }, '/dashboard')
/** Three pages that few people saw: their union is counted again. */
const FEW = ['/payroll', '/reports', '/items'].flatMap((path) =>
  pageViews({ tenants: 9, perTenant: 1, prefix: path }, path),
)

t.test('people of trial and internal tenants, and repeated event ids, are not counted', async (t) => {
  const opened = await open(t, 'standing')
  const once = CROWD.map((row, i) => ({ ...row, eid: `id-${String(i)}` }))
  await opened.running.collector.send(RECEIVED, once)
  const { released } = await close(opened, [
    ...once.slice(0, 20),
    ...pageViews({ tenants: 9, perTenant: 9, standing: 'trial', prefix: 'trial-' }, '/dashboard'),
    ...pageViews({ tenants: 9, perTenant: 9, standing: 'internal', prefix: 'own-' }, '/dashboard'),
    ...pageViews({ tenants: 9, perTenant: 9, standing: 'trial', prefix: 'trial-' }, '/reports'),
  ])
  t.same(shown(await opened.pages()), [{ dims: ['/dashboard'], users: 30, events: 36 }])
  t.match(
    released.find(({ window }) => window === 'day'),
    { statistic: 'pages', windowStart: DAY_START, cells: 1 },
  )
  t.match(opened.running.state.window('day', EPOCH), {
    status: 'released',
    deduplicated: 20,
    reconciled: true,
  })
})

t.test('one person counts with no more events than the cap', async (t) => {
  const opened = await open(t, 'cap')
  const crowd = pageViews({ tenants: 6, perTenant: 20 }, '/dashboard')
  await close(opened, [...crowd, ...Array.from({ length: 500 }, () => crowd[0] as Row)])
  t.same(shown(await opened.pages()), [{ dims: ['/dashboard'], users: 120, events: 119 + 20 }])
})

t.test('people are public and events are not where one person has more than a quarter of them', async (t) => {
  const opened = await open(t, 'dominated')
  await close(opened, [...CROWD, ...Array.from({ length: 19 }, () => CROWD[0] as Row)])
  t.same(shown(await opened.pages()), [{ dims: ['/dashboard'], users: 30, events: null }])
})

t.test(
  'V7: a value that is absent is named (none), and what is too small is pooled or stays unsaid',
  async (t) => {
    const opened = await open(t, 'none')
    await close(opened, [...pageViews({ tenants: 6, perTenant: 6 }, ''), ...FEW])
    t.same(shown(await opened.pages()), [
      { dims: ['(none)'], users: 30, events: 36 },
      { dims: ['(other)'], users: 20, events: 27 },
    ])
  },
)

t.test('withheld counts declared values that are not published, and only those', async (t) => {
  const opened = await open(t, 'withheld', undefined, 'features')
  const used = (event_name: string, tenants: number, perTenant: number) =>
    pageViews({ tenants, perTenant, prefix: event_name }, '').map((row) => ({
      ...row,
      kind: 'feature',
      dims: { event_name, role: 'sales' },
    }))
  const { released } = await close(opened, [
    ...used('invoice.save', 6, 6),
    ...used('', 6, 6),
    ...used('invoice.send', 6, 1),
    ...used('item.create', 6, 1),
    ...used('report.export', 6, 1),
  ])
  const cells = await opened.running.warehouse.queryCells({ statistic: 'features', window: 'day' })
  t.same(
    cells.map(({ dims: [value], users }) => [value, users]),
    [
      ['(none)', 30],
      ['invoice.save', 30],
      ['(other)', 10],
    ],
  )
  // Thirteen declared features, of which one is public: (none) and (other) are not declared.
  t.match(
    released.find(({ statistic }) => statistic === 'features'),
    { cells: 3, withheld: 12 },
  )
})

t.test('a window is released once: nothing that comes later changes a byte of it', async (t) => {
  const opened = await open(t, 'once')
  const { running } = opened
  await close(opened, CROWD)
  const first = await opened.pages()
  t.same((await running.advance(CLOSE + HOUR)).released, [])
  await running.warehouse.land('day', [], 'nothing', { rulebook: opened.stores.rulebook.hash })
  const { manifests } = running.state.window('day', EPOCH)
  await running.state.commitWindow('day', EPOCH, { ...running.state.window('day', EPOCH), status: 'open' }, [
    { id: manifests[0] as string, text: 'other', hash: 'other' },
  ])
  t.not(running.state.manifest(manifests[0] as string)?.text, 'other', 'a manifest is written once')
  t.equal(running.state.window('day', EPOCH).status, 'released')
  await running.collector.watermark(DEATH)
  const { dropped } = await running.advance(DEATH)
  t.same(dropped, [EPOCH])
  t.same(await opened.pages(), first)
  t.equal(await running.warehouse.stagedRows('day', EPOCH), 0)
  t.match(running.state.window('day', EPOCH), { status: 'released', dropped: true })
})

t.test('a window waits for the watermark of its last hour, however late that comes', async (t) => {
  const opened = await open(t, 'waits')
  const { running } = opened
  await running.collector.send(RECEIVED, CROWD)
  await running.collector.watermark(CLOSE - HOUR)
  t.same((await running.advance(CLOSE)).released, [])
  t.same((await running.advance(CLOSE + 5 * HOUR)).released, [])
  t.same(await opened.pages(), [])
  await running.collector.watermark(CLOSE)
  t.match((await running.advance(CLOSE + 5 * HOUR)).released, [{ statistic: 'pages' }])
})

t.test('a window does not close a millisecond before its end plus lateness', async (t) => {
  const opened = await open(t, 'boundary')
  const { running } = opened
  await running.collector.send(RECEIVED, CROWD)
  await running.collector.watermark(CLOSE)
  t.same((await running.advance(CLOSE - 1)).released, [])
  t.same(
    (await running.advance(CLOSE)).released.map(({ window }) => window),
    ['hour', 'day'],
  )
})

/** The warehouse with one method of its cleaned rows changed. */
function lying(change: (rows: CleanedRows) => Partial<CleanedRows>): (doors: Doors) => Doors {
  return (doors) => ({
    ...doors,
    warehouse: {
      ...doors.warehouse,
      clean: async (request) => {
        const rows = await doors.warehouse.clean(request)
        return { ...rows, ...change(rows) }
      },
    },
  })
}

type Nodes = readonly NodeCount[]

/** The trees of cleaned rows, each changed. */
function changed(rows: CleanedRows, change: (nodes: Nodes) => Nodes): CleanedRows['trees'] {
  return async (requests) => (await rows.trees(requests)).map(change)
}

t.test('INV-13: what the second checker refuses is never published, and says so', async (t) => {
  const lies: Record<string, (rows: CleanedRows) => Partial<CleanedRows>> = {
    'a node that has lost events': (rows) => ({
      trees: changed(rows, (nodes) => nodes.map((node) => ({ ...node, events: node.events - 1 }))),
    }),
    'a node that stands twice': (rows) => ({
      trees: changed(rows, (nodes) => nodes.flatMap((node) => [node, node])),
    }),
    'a union that has lost people': (rows) => ({
      unions: async (...args) =>
        (await rows.unions(...args)).map((node) => ({ ...node, tenants: node.users, users: node.users - 1 })),
    }),
    'a total that is too small': (rows) => ({ total: (request) => rows.total(request) - 1 }),
    'counts that cannot belong together': (rows) => ({
      trees: changed(rows, (nodes) => nodes.map((node) => ({ ...node, tenants: node.users + 1 }))),
    }),
  }
  for (const [number, [name, lie]] of Object.entries(lies).entries()) {
    const opened = await open(t, `lie_${String(number)}`, lying(lie))
    const { running, stores } = opened
    t.same((await close(opened, [...CROWD, ...FEW])).released, [], name)
    t.same(await opened.pages(), [], name)
    t.equal(running.state.window('day', EPOCH).status, 'withheld', name)
    t.match(stores.alarms, [/checker refused/], name)
    t.same((await running.advance(CLOSE + HOUR)).released, [], `${name}: and it stays so`)
    t.equal(stores.alarms.length, 1, name)
    await running.advance(DEATH)
    t.match(running.state.window('day', EPOCH), { status: 'withheld', dropped: true }, name)
    t.equal(await running.warehouse.stagedRows('day', EPOCH), 0, name)
  }
})

t.test('one statistic that is refused holds back every other of its window', async (t) => {
  let clean = 0
  const opened = await open(
    t,
    'together',
    lying((rows) => ({ total: (request) => rows.total(request) - (clean++ === 1 ? 1 : 0) })),
    'pages',
    'devices',
  )
  t.same((await close(opened, CROWD)).released, [])
  t.same(await opened.pages(), [])
})

t.test('rows that staging lacks show in the reconciliation, with an alarm', async (t) => {
  const opened = await open(t, 'reconcile', (doors) => ({
    ...doors,
    warehouse: {
      ...doors.warehouse,
      stagedRows: async (...args) => (await doors.warehouse.stagedRows(...args)) - 2,
    },
  }))
  await close(opened, CROWD)
  t.match(opened.running.state.window('day', EPOCH), { accepted: 36, staged: 34, reconciled: false })
  t.match(opened.stores.alarms, [/does not reconcile/])
  t.equal(opened.stores.keeper.verdicts.get(EPOCH), false, 'the keeper is told, and keeps the root')
  t.match(
    opened.stores.evidence.filter(({ action }) => action === 'release.committed'),
    [{ object: { reconciled: 'no' } }],
    'on record is that they differ, never by how many',
  )
  opened.stores.alarms.length = 0
  await opened.running.advance(DEATH)
  t.match(opened.stores.alarms, [
    /dropped with its key though it never reconciled: 36 rows were accepted, and 34/,
  ])
  t.match(opened.stores.evidence.at(-1), {
    action: 'retention.dropped',
    object: { epoch: EPOCH, store: 'staging', reconciled: 'no' },
  })
})

t.test('a window whose root died before it closed is expired, and nothing of it stays', async (t) => {
  const opened = await open(t, 'died')
  const { running, stores } = opened
  await running.collector.send(RECEIVED, CROWD)
  await running.aggregator.stage()
  // A stop of days: the root is gone before the rows left landing.
  await running.collector.watermark(DEATH)
  t.same((await running.advance(DEATH)).released, [])
  t.match(running.state.window('day', EPOCH), { status: 'expired', expired: 36, dropped: true })
  t.match(stores.alarms, [/lost its key/])
  t.equal(await running.warehouse.stagedRows('day', EPOCH), 0)
  t.same(await running.warehouse.landingHours('day'), [])
  t.same(await opened.pages(), [])
  t.same(
    stores.evidence.map(({ action }) => action),
    ['retention.dropped', 'retention.dropped'],
    'also on record is the drop of the rows that waited in landing',
  )
})

t.test('a committed window whose root dies before its cells are in is still published', async (t) => {
  const opened = await open(t, 'committed')
  const { running, stores } = opened
  await running.close()
  const second = await stores.open(
    behind((name, call) =>
      name === 'warehouse.insertCells' ? Promise.reject(new Error('no answer')) : call(),
    ),
  )
  await second.collector.send(RECEIVED, CROWD)
  await second.collector.watermark(CLOSE)
  await t.rejects(second.advance(CLOSE))
  t.equal(second.state.window('day', EPOCH).status, 'committed')
  await second.close()
  const third = await stores.open()
  await third.advance(DEATH)
  t.match(third.state.window('day', EPOCH), { status: 'released', dropped: true })
  t.match(shown(await third.warehouse.queryCells({ statistic: 'pages', window: 'day' })), [
    { dims: ['/dashboard'] },
  ])
  await third.close()
})

t.test('counts that add up later are put right, and the keeper is told', async (t) => {
  let missing = 2
  const opened = await open(t, 'reconciled_later', (doors) => ({
    ...doors,
    warehouse: {
      ...doors.warehouse,
      stagedRows: async (...args) => (await doors.warehouse.stagedRows(...args)) - missing,
    },
  }))
  await close(opened, CROWD)
  t.equal(opened.stores.keeper.verdicts.get(EPOCH), false)
  missing = 0
  await opened.running.advance(CLOSE + HOUR)
  t.equal(opened.stores.keeper.verdicts.get(EPOCH), true)
  t.match(opened.running.state.window('day', EPOCH), { staged: 36, reconciled: true, status: 'released' })
})

t.test(
  'a release is on record by the hashes of its manifests before a cell can be read, and once',
  async (t) => {
    let recordedFirst: number | null = null
    const opened: Opened = await open(t, 'on_record', (doors) => ({
      ...doors,
      warehouse: {
        ...doors.warehouse,
        insertCells: async (...args) => {
          recordedFirst ??= opened.stores.evidence.length
          return doors.warehouse.insertCells(...args)
        },
      },
    }))
    await close(opened, CROWD)
    t.equal(recordedFirst, 1, 'the entry came first')
    const { running, stores } = opened
    const { manifests } = running.state.window('day', EPOCH)
    t.equal(manifests.length, 2, 'of the day, and of its hours')
    t.same(stores.evidence, [
      {
        actor: 'aggregator',
        rulebook: stores.rulebook.hash,
        action: 'release.committed',
        object: {
          stream: 'day',
          epoch: EPOCH,
          window: 'day',
          reconciled: 'yes',
          manifests: manifests.map((id) => ({ id, hash: running.state.manifest(id)?.hash })),
        },
      },
    ])
    await running.advance(CLOSE + HOUR)
    await running.advance(DEATH)
    t.same(
      stores.evidence.map(({ action }) => action),
      ['release.committed', 'retention.dropped'],
    )
  },
)
