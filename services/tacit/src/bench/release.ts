/**
 * The release of one day of an ERP, from its close to its cells: cleaned, counted, cut, checked, inserted. Beside it, in
 * the same run and over the same rows, what a bare GROUP BY of each kind takes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AggregatorState, Releaser, soleRulebook } from '@tacit/aggregator'
import { epochOf, TacitError } from '@tacit/contracts'
import { type Rulebook, type StreamPlan, statisticsOf, streamPlans } from '@tacit/rulebook'
import {
  type CleanedRows,
  type EmbeddedServer,
  openWarehouse,
  startEmbeddedServer,
  type TreeRequest,
  treesOf,
  type Warehouse,
} from '@tacit/warehouse'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { ask, forgetPeak, peakMb } from './clickhouse.js'
import { DAY_START, stageErpDay } from './erp-day.js'

const DATABASE = 'bench'
const SITE = 'erp'
const ROUNDS = 3
/** Requests over millions of rows take longer than an operator would wait for one. */
const REQUEST_TIMEOUT_MS = 600_000

/** A kind's release query beside the bare one. */
export interface KindBench {
  /** `seconds` to `bare_seconds`, each a median of the rounds */
  readonly ratio: number
  /** all trees of the kind, every node of them */
  readonly seconds: number
  /** GROUP BY the levels of its first tree with distinct people, over the staged rows of the kind */
  readonly bare_seconds: number
}

export interface ReleaseBench {
  /** of the slowest kind */
  readonly ratio: number
  /** from the close until the cells are in */
  readonly seconds: number
  /** staged */
  readonly rows: number
  /** most memory that ClickHouse had during the release, MB; null where the system does not say */
  readonly peak_mb: number | null
  readonly clean_seconds: number
  /** trees, funnels, and unions in all rounds */
  readonly count_seconds: number
  readonly cut_seconds: number
  readonly checker_seconds: number
  readonly insert_seconds: number
  readonly cells: number
  /** by kind; `*` is all kinds together */
  readonly kinds: Readonly<Record<string, KindBench>>
}

type Took = Record<'clean' | 'count' | 'cut' | 'check' | 'insert', number>

/** Digits that a measurement has. */
const rounded = (seconds: number): number => Math.round(seconds * 1_000) / 1_000

async function secondsOf<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly seconds: number }> {
  const started = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - started) / 1_000 }
}

/** The warehouse, with a stopwatch on what a release asks of it. */
function timed(warehouse: Warehouse, took: Took): Warehouse {
  const add = async <T>(what: 'clean' | 'count' | 'insert', work: () => Promise<T>): Promise<T> => {
    const { result, seconds } = await secondsOf(work)
    took[what] += seconds
    return result
  }
  const timedRows = (rows: CleanedRows): CleanedRows => ({
    ...rows,
    trees: (requests) => add('count', () => rows.trees(requests)),
    unions: (tree, unions) => add('count', () => rows.unions(tree, unions)),
    funnel: (steps) => add('count', () => rows.funnel(steps)),
  })
  return {
    ...warehouse,
    clean: async (request) => timedRows(await add('clean', () => warehouse.clean(request))),
    insertCells: (manifest, cells) => add('insert', () => warehouse.insertCells(manifest, cells)),
  }
}

/** Releases the day as the aggregator does. */
async function release(
  dir: string,
  warehouse: Warehouse,
  rulebook: Rulebook,
  rows: number,
): Promise<{ readonly seconds: number; readonly cells: number; readonly took: Took }> {
  const took: Took = { clean: 0, count: 0, cut: 0, check: 0, insert: 0 }
  const { label } = epochOf('day', DAY_START)
  const state = AggregatorState.open(join(dir, 'state'))
  try {
    await state.putWindow('day', label, { ...state.window('day', label), accepted: rows })
    const releaser = new Releaser({
      rulebooks: soleRulebook(rulebook),
      keeper: { reconciled: async () => {} },
      evidence: { record: async () => {}, sign: async () => {} },
      state,
      warehouse: timed(warehouse, took),
      alarm: (message) => {
        throw new TacitError('ERR_INTERNAL', message)
      },
      onComputed: ({ check, cut }) => {
        took.cut += cut / 1_000
        took.check += check / 1_000
      },
    })
    const { result, seconds } = await secondsOf(() => releaser.release('day', label))
    const cells = result.reduce((sum, statistic) => sum + statistic.cells, 0)
    return { seconds, cells, took }
  } finally {
    await state.close()
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

function bareSql({ kind, levels }: TreeRequest): string {
  const by = levels.join(', ')
  const where = kind === undefined ? '' : ` AND kind = '${kind}'`
  return `SELECT ${by}, uniqExact(person) FROM ${DATABASE}.staging_day
    WHERE epoch = toDate(${DAY_START / 1_000}) AND site = '${SITE}'${where} GROUP BY ${by} FORMAT Null`
}

/** Each kind's release query and the bare one, in turns. */
async function compareKinds(
  { address }: EmbeddedServer,
  rows: CleanedRows,
  rulebook: Rulebook,
  onRound: (kind: string, round: number) => void,
): Promise<Readonly<Record<string, KindBench>>> {
  const trees = statisticsOf(rulebook, 'day')
    .filter(({ site }) => site === SITE)
    .flatMap((statistic) => treesOf(rulebook, statistic, 'day'))
  const kinds: Record<string, KindBench> = {}
  for (const kind of new Set(trees.map((tree) => tree.kind))) {
    const own = trees.filter((tree) => tree.kind === kind)
    const first = own.find(({ hourly }) => hourly !== true)
    if (first === undefined) continue
    const name = kind ?? '*'
    const ours: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      onRound(name, round)
      bare.push((await secondsOf(() => ask(address, bareSql(first)))).seconds)
      ours.push((await secondsOf(() => rows.trees(own))).seconds)
    }
    kinds[name] = {
      ratio: Math.round((median(ours) / median(bare)) * 100) / 100,
      seconds: rounded(median(ours)),
      bare_seconds: rounded(median(bare)),
    }
  }
  return kinds
}

function dayPlan(rulebook: Rulebook): StreamPlan {
  const plan = streamPlans(rulebook).find(({ stream }) => stream === 'day')
  if (plan === undefined) throw new TacitError('ERR_INTERNAL', 'The rulebook counts no days')
  return plan
}

/**
 * Stages rows of one day in a server of its own, and releases them.
 * @param rows how many
 * @param tell what is being done
 */
export async function benchRelease(rows: number, tell: (what: string) => void): Promise<ReleaseBench> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-bench-'))
  const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
  const server = await startEmbeddedServer({ dir: join(dir, 'clickhouse') })
  const warehouse = openWarehouse(server.address, DATABASE, { requestTimeoutMs: REQUEST_TIMEOUT_MS })
  try {
    await warehouse.migrate(streamPlans(rulebook))
    await warehouse.takeOver(0)
    await stageErpDay(server.address, DATABASE, rulebook, dayPlan(rulebook), rows, (hour) =>
      tell(`staging hour ${String(hour + 1)} of 24`),
    )
    tell('release')
    const pid = server.pid() ?? 0
    forgetPeak(pid)
    const { cells, seconds, took } = await release(dir, warehouse, rulebook, rows)
    const peak = peakMb(pid)
    const cleaned = await warehouse.clean({
      stream: 'day',
      epoch: epochOf('day', DAY_START).label,
      site: SITE,
      identity: 'signed',
      maxEventsPerPerson: rulebook.release.maxEventsPerPerson,
    })
    const kinds = await compareKinds(server, cleaned, rulebook, (kind, round) =>
      tell(`round ${String(round)}: ${kind === '*' ? 'all kinds' : kind}`),
    )
    await cleaned.drop()
    return {
      ratio: Math.max(...Object.values(kinds).map(({ ratio }) => ratio)),
      seconds: rounded(seconds),
      rows: cleaned.staged,
      peak_mb: peak,
      clean_seconds: rounded(took.clean),
      count_seconds: rounded(took.count),
      cut_seconds: rounded(took.cut),
      checker_seconds: rounded(took.check),
      insert_seconds: rounded(took.insert),
      cells,
      kinds,
    }
  } finally {
    await warehouse.close()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
