/** Exact counts: ClickHouse answers as a slow and obvious implementation does, on any population. */
import t from 'tap'
import { compared, epochStart, PLANS, stage } from './testing/comparison.js'
import { populationOf } from './testing/populations.js'
import { testServer } from './testing/rows.js'
import { openWarehouse } from './warehouse.js'

const server = await testServer(t)
const POPULATIONS = 200

t.test(`counts equal the reference on ${String(POPULATIONS)} random populations`, async (t) => {
  const w = openWarehouse(server.address, 'populations')
  await w.migrate(PLANS)
  const populations = Array.from({ length: POPULATIONS }, (_none, seed) =>
    populationOf(seed, epochStart('day')),
  )
  await stage(w, populations)
  let nodes = 0
  const waiting = [...populations.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [seed, population] = next
      const own = await compared(t, w, population, seed)
      nodes += own
    }
  }
  // A query of so few rows is planned longer than it runs, by one core.
  await Promise.all([work(), work()])
  t.ok(nodes > 20_000, `${String(nodes)} nodes`)
  await w.close()
})
