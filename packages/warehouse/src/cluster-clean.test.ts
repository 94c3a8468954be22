/** People of one site on two shards: a release cleans and counts them as on one server. */
import t from 'tap'
import { compared, epochStart, PLANS, stage } from './testing/comparison.js'
import { populationOf } from './testing/populations.js'
import { startShards } from './testing/servers.js'
import { openWarehouse } from './warehouse.js'

const address = await startShards(t)
/** Of days, weeks and months, signed and by network; two of them are wide. */
const SEEDS = [0, 3, 4, 7, 8, 9, 17, 19]

t.test('counts over two shards equal the reference', async (t) => {
  const w = openWarehouse(address, 'shared')
  t.teardown(() => w.close())
  await w.migrate(PLANS)
  const populations = SEEDS.map((seed) => populationOf(seed, epochStart('day')))
  await stage(w, populations)
  for (const [at, population] of populations.entries()) await compared(t, w, population, SEEDS[at] ?? 0)
})
