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
import { ask, cpuSeconds, forgetPeak, peakMb } from './clickhouse.js'
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
  /** the same of ClickHouse's CPU time, which others on the machine hardly change; null where the system does not say */
  readonly cpu_ratio: number | null
}

export interface ReleaseBench {
  /** of the slowest kind */
  readonly ratio: number
  /** from the close until the cells are in */
  readonly seconds: number
  /** staged */
  readonly rows: number
  /** CPU time of ClickHouse during the release; null where the system does not say */
  readonly cpu_seconds: number | null
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

interface Measured {
  readonly seconds: number
  readonly cpu: number | null
}

/** Time and CPU time of ClickHouse that some work takes. */
async function measured<T>(pid: number, work: () => Promise<T>): Promise<Measured & { readonly result: T }> {
  const before = cpuSeconds(pid)
  const { result, seconds } = await secondsOf(work)
  const after = cpuSeconds(pid)
  return { result, seconds, cpu: before === null || after === null ? null : after - before }
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
    insertCells: (manifests) => add('insert', () => warehouse.insertCells(manifests)),
  }
}

/** Releases the day as the aggregator does. */
async function release(
  dir: string,
  warehouse: Warehouse,
  rulebook: Rulebook,
  rows: number,
): Promise<{ readonly cells: number; readonly took: Took }> {
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
    const released = await releaser.release('day', label)
    return { cells: released.reduce((sum, { cells }) => sum + cells, 0), took }
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

/** A kind's rounds as one. */
function kindOf(ours: readonly Measured[], bare: readonly Measured[]): KindBench {
  const seconds = (rounds: readonly Measured[]): number => median(rounds.map((round) => round.seconds))
  // Single rounds are shorter than the system counts CPU time.
  const cpu = (rounds: readonly Measured[]): number =>
    rounds.reduce((sum, round) => sum + (round.cpu ?? 0), 0)
  return {
    ratio: Math.round((seconds(ours) / seconds(bare)) * 100) / 100,
    seconds: rounded(seconds(ours)),
    bare_seconds: rounded(seconds(bare)),
    cpu_ratio: cpu(bare) === 0 ? null : Math.round((cpu(ours) / cpu(bare)) * 100) / 100,
  }
}

/** Each kind's release query and the bare one, in turns. */
async function compareKinds(
  server: EmbeddedServer,
  rows: CleanedRows,
  rulebook: Rulebook,
  onRound: (kind: string, round: number) => void,
): Promise<Readonly<Record<string, KindBench>>> {
  const trees = statisticsOf(rulebook, 'day')
    .filter(({ site }) => site === SITE)
    .flatMap((statistic) => treesOf(rulebook, statistic, 'day'))
  const pid = server.pid() ?? 0
  const kinds: Record<string, KindBench> = {}
  for (const kind of new Set(trees.map((tree) => tree.kind))) {
    const own = trees.filter((tree) => tree.kind === kind)
    const first = own.find(({ hourly }) => hourly !== true)
    if (first === undefined) continue
    const name = kind ?? '*'
    const ours: Measured[] = []
    const bare: Measured[] = []
    for (let round = 0; round < ROUNDS; round++) {
      onRound(name, round)
      bare.push(await measured(pid, () => ask(server.address, bareSql(first))))
      ours.push(await measured(pid, () => rows.trees(own)))
    }
    kinds[name] = kindOf(ours, bare)
  }
  return kinds
}

function secondsOfSteps({ check, clean, count, cut, insert }: Took) {
  return {
    clean_seconds: rounded(clean),
    count_seconds: rounded(count),
    cut_seconds: rounded(cut),
    checker_seconds: rounded(check),
    insert_seconds: rounded(insert),
  }
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
    const { cpu, result, seconds } = await measured(pid, () => release(dir, warehouse, rulebook, rows))
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
      cpu_seconds: cpu === null ? null : rounded(cpu),
      peak_mb: peak,
      ...secondsOfSteps(result.took),
      cells: result.cells,
      kinds,
    }
  } finally {
    await warehouse.close()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
