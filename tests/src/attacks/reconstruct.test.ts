/**
 * Attack (f): from everything that is public of a small world, an exact integer program looks for a group that the declared
 * dimensions define (a cell, a union that may be pooled, an intersection or difference of two groups) and of which it
 * is certain that somebody, and fewer than k, are in it. A world is made again from its seed: `worldOf(seed, grid)`.
 */
import t from 'tap'
import { campaign, seedsFrom, share } from '../support/worlds/campaign.js'

t.setTimeout(0)

const WORLDS = 1_500
const WIDE_WORLDS = 150

for (const { grid, worlds, first } of [
  { grid: { firsts: 3, seconds: 2 }, worlds: share(WORLDS), first: 0 },
  { grid: { firsts: 4, seconds: 2 }, worlds: share(WIDE_WORLDS), first: 100_000 },
]) {
  const size = `${grid.firsts}×${grid.seconds}`
  t.test(`nothing that is published of ${worlds} worlds of ${size} cells pins a small group`, async (t) => {
    const outcome = await campaign({ grid, seeds: seedsFrom(first, worlds), engine: 'real' }, (line) =>
      t.comment(line),
    )
    t.same(
      outcome.mistakes,
      [],
      'the attacker reads nothing that is wrong, and the checker takes every manifest',
    )
    t.same(outcome.broken, [])
    t.ok(outcome.suspects > 50 * worlds, `there are small groups to find: ${outcome.suspects}`)
  })
}
