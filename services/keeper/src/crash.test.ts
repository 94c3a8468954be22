/** What must hold whenever the keeper dies: every step of every operation is a place to die at. */
import fc from 'fast-check'
import t from 'tap'
import { type Action, assertShredded, live, picker } from './testing/crash-lives.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const SEED = Number(process.env['TACIT_TEST_SEED'] ?? 20_261_122)

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant('person' as const),
    daysAgo: fc.integer({ min: -1, max: 2 }),
    stream: fc.constantFrom('day' as const, 'week' as const),
    tenant: fc.constantFrom('t-1', 't-2', null),
  }),
  fc.record({
    do: fc.constant('hour' as const),
    hoursAgo: fc.integer({ min: -1, max: 26 }),
    create: fc.boolean(),
  }),
  fc.record({ do: fc.constant('destroy hour' as const), hoursAgo: fc.integer({ min: 0, max: 3 }) }),
  fc.constant<Action>({ do: 'tick' }),
  fc.constant<Action>({ do: 'epochs' }),
  fc.record({ do: fc.constant('advance' as const), hours: fc.constantFrom(1, 5, 20, 26, 49) }),
)

const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 30 })

t.test(
  'no crash or failing disk makes a second root, opens what was over, loses a root or leaves its bytes',
  async (t) => {
    const life = fc.record({
      actions: fc.array(anyAction, { minLength: 1, maxLength: 12 }),
      failure: fc.record({ at: fc.nat(260), kind: fc.constantFrom('power' as const, 'error' as const) }),
      begins: fc.constantFrom(0, 0, 0, 13, 30, 80),
      losesPower: fc.boolean(),
    })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), choices, async (lives, numbers) => {
        assertShredded(await live(lives, picker(numbers)))
        runs += 1
      }),
      // Seeded every day, another seed each time in the full run.
      isFull ? { numRuns: 6_000 } : { numRuns: 600, seed: SEED },
    )
    t.ok(runs >= 600)
  },
)
