/** Attack (f) succeeds where the rules are broken: the same attacker, the same worlds, two engines that are not good enough. */
import t from 'tap'
import { campaign, seedsFrom, share } from '../support/worlds/campaign.js'
import type { World } from '../support/worlds/world.js'

t.setTimeout(0)

const WORLDS = 400
const grid = { firsts: 3, seconds: 2 }
const onNetwork = (world: World): World => ({ ...world, identity: 'network', exact: false })

t.test('thresholds with folding alone are broken', async (t) => {
  const seeds = seedsFrom(200_000, share(WORLDS))
  const outcome = await campaign({ grid, seeds, engine: 'folding', change: onNetwork }, (line) =>
    t.comment(line),
  )
  t.same(outcome.mistakes, [])
  t.ok(outcome.broken.length * 20 >= seeds.length, `${outcome.broken.length} of ${seeds.length} worlds`)
  t.comment(`folding: ${outcome.broken.length} of ${seeds.length} worlds are broken`)
})

t.test('people floored to a step of five are broken where groups need ten', async (t) => {
  const seeds = seedsFrom(300_000, share(WORLDS))
  const change = (world: World): World => ({ ...onNetwork(world), k: 10 })
  const outcome = await campaign({ grid, seeds, engine: 'step of five', change }, (line) => t.comment(line))
  t.same(outcome.mistakes, [])
  t.ok(outcome.broken.length * 20 >= seeds.length, `${outcome.broken.length} of ${seeds.length} worlds`)
  t.comment(`a step of five: ${outcome.broken.length} of ${seeds.length} worlds are broken`)
})
