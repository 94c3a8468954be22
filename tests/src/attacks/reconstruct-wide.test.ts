/** Attack (f) on larger worlds, each as dear as ten small ones; see reconstruct.test.ts. */
import t from 'tap'
import { holdsOut, share } from '../support/worlds/campaign.js'

t.setTimeout(0)

t.test('nothing that is published of small worlds of 4×2 cells pins a small group', (t) =>
  holdsOut(t, { grid: { firsts: 4, seconds: 2 }, first: 100_000, worlds: share(150) }),
)
