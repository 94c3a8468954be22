/** Cleaned rows at their edges: none, and very many values. */
import { HOUR } from '@tacit/contracts'
import t from 'tap'
import { BY, DAY_START, EPOCH, line, openTables, testServer } from './testing/rows.js'

const server = await testServer(t)
const SIGNED = {
  stream: 'day',
  epoch: EPOCH,
  site: 'erp',
  identity: 'signed',
  maxEventsPerPerson: 1_000_000,
} as const
const PATHS = { kind: 'page_view', levels: ['path', 'device'] }

t.test('a site that has nothing in the epoch is counted as nothing', async (t) => {
  const { w } = await openTables(t, server, 'nothing')
  const c = await w.clean({ ...SIGNED, site: 'none', identity: 'network' })
  t.match(c, { staged: 0, removed: 0, deduplicated: 0, capped: 0, rows: 0, kinds: {} })
  t.same(await c.trees([PATHS, { levels: ['path'], hourly: true }]), [[], []])
  t.match(await c.unions(PATHS, [{ hour: null, parent: [], parts: ['/a', '/b'] }]), [{ users: 0, events: 0 }])
  t.equal(c.total({}), 0)
  t.equal(c.total({ kind: 'page_view' }), 0)
  await c.drop()
})

t.test('rows of tenants that do not count leave nothing to be counted', async (t) => {
  const { w } = await openTables(t, server, 'trials')
  await w.land('day', [line({ standing: 'trial' }), line({ standing: 'internal', row: 1 })], 'trials', BY)
  await w.settle('day', [DAY_START + 9 * HOUR], { deduplicate: false, resume: false, queryId: 'trials' })
  const c = await w.clean(SIGNED)
  t.match(c, { staged: 2, removed: 2, deduplicated: 0, capped: 0, rows: 0, kinds: {} })
  t.same(await c.funnel([{ of: 'page', value: '/invoices' }]), [
    {
      dims: ['page:/invoices'],
      hour: null,
      users: 0,
      events: 0,
      tenants: 0,
      networks: 0,
      largestTenantUsers: 0,
      largestTenantEvents: 0,
      largestPersonEvents: 0,
    },
  ])
  await c.drop()
})

t.test('thirty thousand values have their codes, nodes and unions', async (t) => {
  const { w } = await openTables(t, server, 'many')
  const count = 30_000
  const paths = Array.from({ length: count }, (_none, at) => `/it's/${String(at)}/\\n`)
  const lines = paths.map((path, row) => line({ row, person: `p${String(row % 50)}`, path }))
  await w.land('day', lines, 'many', BY)
  await w.settle('day', [DAY_START + 9 * HOUR], { deduplicate: false, resume: false, queryId: 'many' })
  const c = await w.clean(SIGNED)
  const [nodes = []] = await c.trees([PATHS])
  t.equal(nodes.length, 2 * count)
  t.same(new Set(nodes.map(({ dims }) => dims[0])), new Set(paths))
  const [most, both] = await c.unions(PATHS, [
    { hour: null, parent: [], parts: paths.slice(10) },
    { hour: null, parent: [paths[0] ?? ''], parts: ['desktop', 'mobile'] },
  ])
  t.match(most, { users: 50, events: count - 10 })
  t.match(both, { dims: [paths[0]], users: 1, events: 1 })
  await c.drop()
})
