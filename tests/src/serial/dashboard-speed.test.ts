/**
 * How long a reader of dashboards waits: real HTTP over 20 million released cells, 25 months of them. Alone on the machine.
 * The bounds are those of the machine of BENCHMARKS.md; a slower one may take longer by as much as it is slower.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDashboard, openAccessTokens, type Realm } from '@tacit/dashboard'
import { DAY, utcDay } from '@tacit/contracts'
import { openWarehouse, startEmbeddedServer } from '@tacit/warehouse'
import t from 'tap'
import { slowness } from '../support/reference-work.js'
import { DAYS, FIRST_DAY, fillTwoYears, LAST_DAY, PATHS, twoYears } from '../support/cells/two-years.js'

const P95_MS = 50
const COLD_MS = 300
const ROUNDS = 12
const DATABASE = 'reading'

t.setTimeout(0)

/** What the web page asks for, each with the range that ends `back` days before the last. */
const QUERIES: Readonly<Record<string, (back: number) => string>> = {
  catalogue: () => 'statistics',
  'a day': (back) => `statistics/pages?window=day${range(back, 1)}&limit=1000`,
  'three months, more than fit': (back) => `statistics/pages?window=day${range(back, 92)}&limit=5000`,
  'three months, as many as fit': (back) => `statistics/pages?window=day${range(back, 92)}&top=54`,
  'the largest of three months': (back) => `statistics/pages?window=day${range(back, 92)}&top=7`,
  'the largest of two years': () => 'statistics/pages?window=day&top=7',
  'a day by device': (back) => `statistics/pages?window=day${range(back, 1)}&drill=device&limit=1000`,
  'a month by device': (back) => `statistics/pages?window=day${range(back, 30)}&drill=device&top=12`,
  'a week of hours': () => `statistics/pages?window=hour${range(7, 7)}&top=7`,
  'two years of weeks': () => 'statistics/pages?window=week&top=7',
  'a day and the day before': (back) =>
    `statistics/pages?window=day${range(back, 1)}&compare=previous&top=50`,
  'load times of a day': (back) => `statistics/speed?window=day${range(back, 1)}&limit=1200`,
  'a funnel of three months': (back) => `statistics/invoice?window=day${range(back, 92)}`,
  'retention of all weeks': () => 'statistics/retention?window=week',
}

function range(back: number, days: number): string {
  const last = LAST_DAY - back * DAY
  return `&from=${utcDay(last - (days - 1) * DAY)}&to=${utcDay(last)}`
}

const dir = mkdtempSync(join(tmpdir(), 'tacit-dashboard-speed-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

/** The API on a port of its own, over a server that was just started. */
async function open() {
  const server = await startEmbeddedServer({ dir })
  const warehouse = openWarehouse(server.address, DATABASE)
  await warehouse.migrate([])
  const realm: Realm = {
    name: 'main',
    sample: false,
    rulebook: twoYears,
    ruled: () => twoYears,
    cells: (query) => warehouse.queryCells(query),
    counts: (query) => warehouse.cellCounts(query),
    latest: () => warehouse.latestWindows(),
    live: async () => [],
    manifest: async () => null,
    ledger: async () => [],
    detections: async () => [],
    history: () => ({ since: null, pending: null, history: [] }),
    checks: () => [],
    keys: async () => [],
    audit: { head: async () => null, publicKey: async () => '', read: async () => Buffer.alloc(0) },
  }
  const access = openAccessTokens(new Uint8Array(32).fill(7))
  const app = createDashboard({ realms: [realm], access })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const authorization = `Bearer ${await access.issue('product', 3_600_000)}`
  return {
    address: server.address,
    /** ms until the whole body is there */
    async ask(query: string): Promise<{ readonly ms: number; readonly body: string }> {
      const start = performance.now()
      const answer = await fetch(`${origin}/api/v1/${query}`, { headers: { authorization } })
      const body = await answer.text()
      if (!answer.ok) throw new Error(`${query}: ${String(answer.status)} ${body}`)
      return { ms: performance.now() - start, body }
    },
    async close() {
      await app.close()
      await warehouse.close()
      await server.stop()
    },
  }
}

const percentile = (times: readonly number[], of: number): number =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * of) - 1] ?? Number.NaN

t.test('dashboards over two years answer in tens of milliseconds, cold ones in a few hundred', async (t) => {
  const filling = await open()
  const cells = await fillTwoYears(filling.address, DATABASE)
  t.ok(
    cells > 20_000_000,
    `${String(cells)} cells, ${String(PATHS)} pages a day from ${utcDay(FIRST_DAY)}, ${String(DAYS)} days`,
  )
  await filling.close()

  const running = await open()
  const cold = new Map<string, number>()
  const bodies = new Map<string, string>()
  for (const [name, query] of Object.entries(QUERIES)) {
    const { body, ms } = await running.ask(query(0))
    cold.set(name, ms)
    bodies.set(name, body)
    if (name !== 'catalogue') t.ok((JSON.parse(body) as { rows: unknown[] }).rows.length > 0, `${name}: rows`)
  }
  const warm = new Map<string, number[]>(Object.keys(QUERIES).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, query] of Object.entries(QUERIES))
      warm.get(name)?.push((await running.ask(query(round * 37))).ms)
  }
  const slower = slowness()
  for (const [name, times] of warm) {
    t.comment(
      `${name}: cold ${(cold.get(name) ?? 0).toFixed(0)} ms, p50 ${percentile(times, 0.5).toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms`,
    )
  }
  const p95 = percentile([...warm.values()].flat(), 0.95)
  const slowest = Math.max(...cold.values())
  t.comment(
    `all: p95 ${p95.toFixed(0)} ms, the slowest cold one ${slowest.toFixed(0)} ms; ${slower.toFixed(1)} times slower a machine`,
  )
  t.ok(p95 < P95_MS * slower, `p95 ${p95.toFixed(1)} ms`)
  t.ok(slowest < COLD_MS * slower, `cold ${slowest.toFixed(1)} ms`)
  await running.close()

  const again = await open()
  for (const [name, query] of Object.entries(QUERIES)) {
    t.equal((await again.ask(query(0))).body, bodies.get(name), `${name}: the same bytes after a restart`)
  }
  await again.close()
})
