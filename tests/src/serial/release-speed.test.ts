/**
 * What the release of a day costs, alone on the machine: how long after the close it is out, beside bare groupings of the
 * same rows in the same run, in how much memory, and that ten times the rows cost ten times as much. Up to a million rows;
 * ten and thirty million in the full form. Bounds of time are those of the machine of BENCHMARKS.md.
 */
import type { ReleaseBench } from '@tacit/cli'
import t from 'tap'
import { json } from '../support/import.js'
import { slowness } from '../support/reference-work.js'

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const SIZES = FULL ? [1_000_000, 10_000_000, 30_000_000] : [250_000, 1_000_000]
/** Of a day of ten million rows; shorter days take as long as it does to plan some twenty queries, and no longer. */
const MAX_SECONDS = 30
const MAX_RATIO = 3
/** Fewer rows than this are grouped in less time than a query of many trees is planned in; the day takes a second then. */
const RATIO_FROM_ROWS = 1_000_000
const MAX_PEAK_MB = 4_000
const MAX_CUT_OR_CHECK_SECONDS = 5
/** Above a cost that grows as the rows do. */
const MAX_GROWTH = 1.4
/** Another tenant of the machine may hold up one run, not each of them. */
const ATTEMPTS = 3

t.setTimeout(0)

const LIMIT_MS = 3_600_000

function bench(rows: number): Promise<ReleaseBench> {
  return json(['bench', 'release', '--rows', String(rows), '--json'], { limitMs: LIMIT_MS })
}

/** ClickHouse's CPU time where the system tells it: what others do on the machine hardly changes it. */
function costOf({ cpu_seconds: cpu, seconds }: ReleaseBench): number {
  return cpu ?? seconds
}

/** The slowest kind beside the bare grouping. */
function ratioOf({ kinds, ratio }: ReleaseBench): number {
  const ratios = Object.values(kinds).map((kind) => Math.min(kind.ratio, kind.cpu_ratio ?? kind.ratio))
  return ratios.length > 0 ? Math.max(...ratios) : ratio
}

const costs = new Map<number, number>()

for (const rows of SIZES) {
  t.test(`a day of ${rows.toLocaleString('en-GB')} rows`, async (t) => {
    const slower = slowness()
    const maxSeconds = MAX_SECONDS * Math.max(1, rows / 10_000_000) * slower
    const runs: ReleaseBench[] = []
    const maxRatio = rows < RATIO_FROM_ROWS ? Number.POSITIVE_INFINITY : MAX_RATIO
    const isGood = (run: ReleaseBench): boolean => ratioOf(run) <= maxRatio && run.seconds <= maxSeconds
    while (runs.length < ATTEMPTS && !runs.some(isGood)) runs.push(await bench(rows))
    const said = JSON.stringify(runs)
    t.ok(runs.some(isGood), `${said}, on a machine ${slower.toFixed(1)} times slower`)
    for (const run of runs) {
      t.equal(run.rows, rows)
      t.ok(run.cells > 1_000, `${String(run.cells)} cells`)
      t.ok((run.peak_mb ?? 0) < MAX_PEAK_MB, `${String(run.peak_mb)} MB`)
    }
    const best = (of: (run: ReleaseBench) => number): number => Math.min(...runs.map(of))
    t.ok(best((run) => run.cut_seconds) < MAX_CUT_OR_CHECK_SECONDS * slower, 'cut')
    t.ok(best((run) => run.checker_seconds) < MAX_CUT_OR_CHECK_SECONDS * slower, 'checker')
    costs.set(rows, best(costOf))
  })
}

t.test('the cost grows as the rows do', (t) => {
  for (const [at, rows] of SIZES.entries()) {
    const before = SIZES[at - 1]
    if (before === undefined) continue
    const [less = Number.NaN, more = Number.NaN] = [costs.get(before), costs.get(rows)]
    t.ok(
      more / less < (rows / before) * MAX_GROWTH,
      `${String(before)} rows: ${less.toFixed(2)} s, ${String(rows)} rows: ${more.toFixed(2)} s`,
    )
  }
  t.equal(costs.size, SIZES.length)
  t.end()
})
