import { HOUR } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { BY, DAY_START, EPOCH, line, PLAN, type Row, testServer } from './testing/rows.js'
import type { CountRequest, NodeCount } from './types.js'
import { openWarehouse } from './warehouse.js'

const server = await testServer(t)

/** Exact counts, the plain way. */
function reference(rows: readonly Row[], by: readonly string[], identity: 'signed' | 'network'): NodeCount[] {
  const nodes = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify(by.map((name) => row[name as keyof Row]))
    nodes.set(key, [...(nodes.get(key) ?? []), row])
  }
  const most = (groups: Map<string, number>): number => Math.max(...groups.values())
  const tally = (keys: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts
  }
  const signed = identity === 'signed'
  return [...nodes].map(([key, members]) => {
    const people = tally(members.map(({ tenant, person }) => JSON.stringify([tenant, person])))
    const peopleOfTenants = tally([...people.keys()].map((id) => (JSON.parse(id) as string[])[0] ?? ''))
    const eventsOfTenants = tally(members.map(({ tenant }) => tenant ?? ''))
    const networks = new Set(members.map(({ network }) => network).filter((network) => network !== ''))
    return {
      dims: JSON.parse(key) as string[],
      users: people.size,
      events: members.length,
      tenants: signed ? eventsOfTenants.size : 0,
      networks: signed ? 0 : networks.size,
      largestTenantUsers: signed ? most(peopleOfTenants) : 0,
      largestTenantEvents: signed ? most(eventsOfTenants) : 0,
      largestPersonEvents: most(people),
    }
  })
}

/** The rows that count, the plain way: which ones are cut follows from the event id alone. */
function cleaned(rows: readonly Row[], identity: 'signed' | 'network', cap: number): Row[] {
  const kept = new Map<string, Row>()
  for (const row of rows) {
    if (identity === 'signed' && row.standing !== 'established') continue
    kept.set(JSON.stringify([row.tenant, row.person, row.eid]), row)
  }
  const used = new Map<string, number>()
  const sorted = [...kept.values()].sort((a, b) => ((a.eid ?? '') < (b.eid ?? '') ? -1 : 1))
  return sorted.filter((row) => {
    const key = JSON.stringify([row.tenant, row.person, row.kind])
    used.set(key, (used.get(key) ?? 0) + 1)
    return (used.get(key) ?? 0) <= cap
  })
}

const awkward = ["it's", 'a\\b', '', '(other)', 'a\tb\n', '`x`', 'π', '[1,2]', "');--", '{x:String}']

/** An event id decides its row, as a client that sends one twice does. */
function rowOf(signed: boolean, seed: number): Row {
  const pick = (of: number, salt: number): number => Math.floor(seed / salt) % of
  return {
    kind: ['page_view', 'feature'][pick(2, 1)] ?? '',
    standing: pick(5, 2) === 0 ? 'trial' : 'established',
    tenant: signed ? `tenant-${String(pick(3, 10))}` : '',
    person: `person-${String(pick(6, 30))}`,
    network: signed ? '' : `net-${String(pick(4, 180))}`,
    eid: `e${String(seed).padStart(6, '0')}`,
    path: awkward[pick(awkward.length, 720)] ?? '',
    device: ['desktop', 'mobile'][pick(2, 7_200)] ?? '',
  }
}

const populations = fc.record({
  identity: fc.constantFrom('signed' as const, 'network' as const),
  cap: fc.integer({ min: 1, max: 6 }),
  seeds: fc.array(fc.integer({ min: 0, max: 14_399 }), { minLength: 1, maxLength: 400 }),
})

const requests: readonly CountRequest[] = [
  { by: ['path'], kind: 'page_view' },
  { by: ['path', 'device'] },
  { by: [], kind: 'feature' },
]

function inOrder(nodes: readonly NodeCount[]): NodeCount[] {
  return [...nodes].sort((a, b) => (JSON.stringify(a.dims) < JSON.stringify(b.dims) ? -1 : 1))
}

t.test('counts are exact on any population', async (t) => {
  const w = openWarehouse(server.address, 'counts')
  await w.migrate([PLAN])
  const hour = DAY_START + 9 * HOUR
  let run = 0
  const agrees = fc.asyncProperty(populations, async ({ identity, cap, seeds }) => {
    run += 1
    const id = String(run)
    const signed = identity === 'signed'
    const rows = seeds.map((seed) => rowOf(signed, seed))
    await w.land(
      'day',
      rows.map((row, at) => line({ ...row, row: at, batch: run })),
      id,
      BY,
    )
    await w.settle('day', [hour], { deduplicate: false, resume: false, queryId: `p${id}` })
    const c = await w.clean({ stream: 'day', epoch: EPOCH, site: 'erp', identity, maxEventsPerPerson: cap })
    const expected = cleaned(rows, identity, cap)
    t.equal(c.staged, rows.length)
    t.equal(c.rows, expected.length)
    t.equal(c.staged, c.removed + c.deduplicated + c.capped + c.rows)
    t.equal(c.removed, signed ? rows.filter(({ standing }) => standing === 'trial').length : 0)
    for (const request of requests) {
      const of = expected.filter(({ kind }) => request.kind === undefined || kind === request.kind)
      const nodes = reference(of, request.by, identity)
      t.equal(c.total(request), of.length)
      const counted = await c.count(request)
      t.same(inOrder(counted), inOrder(nodes))
      const passing = nodes.filter((_node, at) => at % 3 === 0).map(({ dims }) => dims)
      const failing = new Set(
        nodes.filter((_node, at) => at % 3 !== 0).map(({ dims }) => JSON.stringify(dims)),
      )
      const rest = of.filter((row) =>
        failing.has(JSON.stringify(request.by.map((name) => row[name as keyof Row]))),
      )
      const [pool] = reference(rest, [], identity)
      const expectedPool = pool === undefined ? null : { ...pool, dims: request.by.map(() => '(other)') }
      t.same(await c.pool(request, passing), expectedPool)
    }
    await c.drop()
    await w.dropEpoch('day', EPOCH)
    await w.dropLanding(
      'day',
      Array.from({ length: 24 }, (_none, at) => DAY_START + at * HOUR),
    )
  })
  await fc.assert(agrees, { numRuns: 8, endOnFailure: true })
  t.ok(run >= 8)
  await w.close()
})

t.test('thousands of passing values fit into one query', async (t) => {
  const w = openWarehouse(server.address, 'many')
  await w.migrate([PLAN])
  const rows = Array.from({ length: 5_000 }, (_none, row) =>
    line({ row, person: `p${String(row % 50)}`, path: `/${String(row)}/it's` }),
  )
  await w.land('day', rows, 'many', BY)
  await w.settle('day', [DAY_START + 9 * HOUR], { deduplicate: false, resume: false, queryId: 'many' })
  const c = await w.clean({
    stream: 'day',
    epoch: EPOCH,
    site: 'erp',
    identity: 'signed',
    maxEventsPerPerson: 1_000,
  })
  const request = { by: ['path', 'device'], kind: 'page_view' }
  const nodes = await c.count(request)
  t.equal(nodes.length, 5_000)
  const pool = await c.pool(
    request,
    nodes.slice(10).map(({ dims }) => dims),
  )
  t.equal(pool?.events, 10)
  const one = await c.pool(
    { by: ['path'] },
    nodes.slice(10).map(({ dims }) => dims.slice(0, 1)),
  )
  t.equal(one?.events, 10)
  t.equal(
    await c.pool(
      request,
      nodes.map(({ dims }) => dims),
    ),
    null,
  )
  await c.drop()
  await w.close()
})

t.test('a site that has nothing in the epoch is counted as nothing', async (t) => {
  const w = openWarehouse(server.address, 'nothing')
  await w.migrate([PLAN])
  const c = await w.clean({
    stream: 'day',
    epoch: EPOCH,
    site: 'none',
    identity: 'network',
    maxEventsPerPerson: 5,
  })
  t.match(c, { staged: 0, removed: 0, deduplicated: 0, capped: 0, rows: 0, kinds: {} })
  t.same(await c.count({ by: ['path'] }), [])
  t.same(await c.count({ by: [] }), [])
  t.equal(await c.pool({ by: ['path'] }, []), null)
  t.equal(c.total({ by: ['path'], kind: 'page_view' }), 0)
  await c.drop()
  await w.close()
})
