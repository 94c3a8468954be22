/** A population counted by ClickHouse, beside the reference. */
import { isDeepStrictEqual } from 'node:util'
import { epochOf, HOUR, type Stream } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import type { Test } from 'tap'
import type { CleanedRows } from '../types.js'
import type { Warehouse } from '../warehouse.js'
import {
  DIMENSIONS,
  type Population,
  populationLine,
  randomOf,
  stepsFor,
  treesFor,
  unionsFor,
} from './populations.js'
import {
  type Cleaned,
  cleanedCells,
  cleanedEvents,
  referenceFunnel,
  referenceTree,
  referenceUnion,
  rowsOf,
} from './reference.js'
import { BY, DAY_START } from './rows.js'

const STREAMS = ['day', 'week', 'month'] as const
export const PLANS: readonly StreamPlan[] = STREAMS.map((stream) => ({ stream, dimensions: DIMENSIONS }))

/** Start of the epoch of a stream that the populations are in, ms. */
export function epochStart(stream: Stream): number {
  return epochOf(stream, DAY_START).start
}

/** All populations in one table a stream, each a site of its own, as the aggregator stages them. */
export async function stage(w: Warehouse, populations: readonly Population[]): Promise<void> {
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

/** `t.same`, and not the seconds that it takes to look through thousands of equal nodes. */
function same(t: Test, found: unknown, wanted: unknown, name: string): void {
  if (isDeepStrictEqual(found, wanted)) t.pass(name)
  else t.strictSame(found, wanted, name)
}

/** Of each population's trees; every day half of them, drawn. */
const COMPARES_ALL = process.env['TACIT_TEST_FULL'] === '1'

/** Compares the answers about one population: its sizes and funnel, its trees, and unions of one of them. */
async function compare(t: Test, c: CleanedRows, population: Population, seed: number): Promise<number> {
  const { identity, site, stream } = population
  const expected = expectedOf(population)
  const { capped, deduplicated, removed, staged } = expected
  const sizes = { staged: c.staged, removed: c.removed, deduplicated: c.deduplicated, capped: c.capped }
  same(
    t,
    { ...sizes, rows: c.rows },
    { staged, removed, deduplicated, capped, rows: expected.rows.length },
    site,
  )
  const random = randomOf(seed + 1_000_000)
  const requests = treesFor(stream).filter(() => random() < 0.5 || COMPARES_ALL)
  const trees = await c.trees(requests)
  let nodes = 0
  for (const [at, request] of requests.entries()) {
    const name = `${site}: ${JSON.stringify(request)}`
    const tree = referenceTree(expected.rows, identity, request)
    same(t, trees[at], tree, name)
    same(t, c.total(request), rowsOf(expected.rows, request).length, `${name}: rows`)
    nodes += tree.length
    if (request.levels.length === 0 || at !== seed % requests.length) continue
    const unions = unionsFor(random, tree)
    const united = unions.map((union) => referenceUnion(expected.rows, identity, request, union))
    same(t, await c.unions(request, unions), united, `${name}: unions`)
    nodes += unions.length
  }
  if (stream === 'day') {
    const steps = stepsFor(random, population)
    const funnel = referenceFunnel(expected.rows, identity, steps)
    same(t, await c.funnel(steps), funnel, `${site}: ${JSON.stringify(steps)}`)
    nodes += steps.length
  }
  return nodes
}

/** Cleans and counts a population; returns how many nodes were compared with the reference. */
export async function compared(t: Test, w: Warehouse, population: Population, seed: number): Promise<number> {
  const { cap, identity, site, stream } = population
  const epoch = epochOf(stream, DAY_START).label
  const c = await w.clean({ stream, epoch, site, identity, maxEventsPerPerson: cap })
  try {
    return await compare(t, c, population, seed)
  } finally {
    await c.drop()
  }
}
