/** Exact counts: ClickHouse answers as a slow and obvious implementation does, on any population. */
import { epochOf, HOUR, type Stream } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import {
  DIMENSIONS,
  type Population,
  populationLine,
  populationOf,
  randomOf,
  stepsFor,
  treesFor,
  unionsFor,
} from './testing/populations.js'
import {
  type Cleaned,
  cleanedCells,
  cleanedEvents,
  referenceFunnel,
  referenceTree,
  referenceUnion,
} from './testing/reference.js'
import { BY, DAY_START, testServer } from './testing/rows.js'
import type { CleanedRows } from './types.js'
import { openWarehouse, type Warehouse } from './warehouse.js'

const server = await testServer(t)
const STREAMS = ['day', 'week', 'month'] as const
const PLANS: readonly StreamPlan[] = STREAMS.map((stream) => ({ stream, dimensions: DIMENSIONS }))
const POPULATIONS = 200

function epochStart(stream: Stream): number {
  return epochOf(stream, DAY_START).start
}

/** All populations in one table a stream, each a site of its own, as the aggregator stages them. */
async function stage(w: Warehouse, populations: readonly Population[]): Promise<void> {
  const received = DAY_START + 9 * HOUR
  for (const plan of PLANS) {
    const epoch = epochStart(plan.stream)
    const own = populations.filter(({ stream }) => stream === plan.stream)
    const rows = own.flatMap((population) => population.rows.map((row) => [population, row] as const))
    const lines = rows.map(([population, row], number) =>
      populationLine(population, row, plan, epoch, received, number),
    )
    await w.land(plan.stream, lines, 'all', BY)
    await w.settle(plan.stream, [received], { deduplicate: false, resume: false, queryId: plan.stream })
  }
}

function expectedOf({ cap, identity, rows, stream }: Population): Cleaned {
  if (stream === 'day') return cleanedEvents(rows, identity, cap, DIMENSIONS)
  // Their staging table is a set: what is the same row is there once.
  const staged = new Map(
    rows.map((row) => [
      JSON.stringify([row.statistic, row.standing, row.tenant, row.person, row.network, row.dims]),
      row,
    ]),
  )
  return cleanedCells([...staged.values()], identity, DIMENSIONS)
}

/** Compares every answer about one population; returns how many nodes were compared. */
async function compare(t: Test, c: CleanedRows, population: Population, seed: number): Promise<number> {
  const { identity, site, stream } = population
  const expected = expectedOf(population)
  const { capped, deduplicated, removed, staged } = expected
  t.same(
    { staged: c.staged, removed: c.removed, deduplicated: c.deduplicated, capped: c.capped, rows: c.rows },
    { staged, removed, deduplicated, capped, rows: expected.rows.length },
    site,
  )
  const random = randomOf(seed + 1_000_000)
  const requests = treesFor(stream)
  const trees = await c.trees(requests)
  let nodes = 0
  for (const [at, request] of requests.entries()) {
    const tree = referenceTree(expected.rows, identity, request)
    t.same(trees[at], tree, `${site}: ${JSON.stringify(request)}`)
    const own = expected.rows.filter(
      ({ kind, statistic }) =>
        (request.kind === undefined || kind === request.kind) &&
        (request.statistic === undefined || statistic === request.statistic),
    )
    t.equal(c.total(request), own.length, `${site}: rows of ${JSON.stringify(request)}`)
    const unions = request.levels.length === 0 ? [] : unionsFor(random, tree)
    const counted = await c.unions(request, unions)
    const united = unions.map((union) => referenceUnion(expected.rows, identity, request, union))
    t.same(counted, united, `${site}: unions of ${JSON.stringify(request)}`)
    nodes += tree.length + unions.length
  }
  if (stream === 'day') {
    const steps = stepsFor(random, population)
    t.same(
      await c.funnel(steps),
      referenceFunnel(expected.rows, identity, steps),
      `${site}: ${JSON.stringify(steps)}`,
    )
  }
  return nodes
}

t.test(`counts equal the reference on ${String(POPULATIONS)} random populations`, async (t) => {
  const w = openWarehouse(server.address, 'populations')
  await w.migrate(PLANS)
  const populations = Array.from({ length: POPULATIONS }, (_none, seed) =>
    populationOf(seed, epochStart('day')),
  )
  await stage(w, populations)
  let compared = 0
  for (const [seed, population] of populations.entries()) {
    const { cap, identity, site, stream } = population
    const epoch = epochOf(stream, DAY_START).label
    const c = await w.clean({ stream, epoch, site, identity, maxEventsPerPerson: cap })
    const nodes = await compare(t, c, population, seed)
    await c.drop()
    compared += nodes
  }
  t.ok(compared > 20_000, `${String(compared)} nodes`)
  await w.close()
})
