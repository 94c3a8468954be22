/**
 * Attack (f): from everything that is public of a small world, an exact integer program looks for a group that the declared
 * dimensions define (a cell, a union that may be pooled, an intersection or difference of two groups) and of which it
 * is certain that somebody, and fewer than k, are in it. A world is made again from its seed: `worldOf(seed, grid)`.
 */
import t from 'tap'
import { holdsOut, share } from '../support/worlds/campaign.js'

t.setTimeout(0)

t.test('nothing that is published of small worlds of 3×2 cells pins a small group', (t) =>
  holdsOut(t, { grid: { firsts: 3, seconds: 2 }, first: 0, worlds: share(1_500) }),
)
