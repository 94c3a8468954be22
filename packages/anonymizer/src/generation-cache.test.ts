import fc from 'fast-check'
import t from 'tap'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'

/** A clock that goes where it is told, backwards too. */
function movableClock(now = 0) {
  return { time: now, now: () => 0 } as { time: number; now(): number }
}

function cacheOf(maxEntries: number, maxAgeMs: number) {
  const clock = movableClock()
  clock.now = () => clock.time
  return { clock, cache: new GenerationCache<number>({ maxEntries, maxAgeMs, clock }) }
}

t.test('what was put in comes out, until it is too old', async (t) => {
  const { clock, cache } = cacheOf(10, 1_000)
  cache.set('a', 1)
  clock.time = 999
  t.equal(cache.get('a'), 1)
  clock.time = 1_000
  t.equal(cache.get('a'), undefined)
})

t.test('a hit does not make an entry younger', async (t) => {
  const { clock, cache } = cacheOf(10, 1_000)
  cache.set('a', 1)
  for (let time = 100; time < 1_000; time += 100) {
    clock.time = time
    t.equal(cache.get('a'), 1)
  }
  clock.time = 1_000
  t.equal(cache.get('a'), undefined)
})

t.test('expiry forgets without a request', async (t) => {
  const { clock, cache } = cacheOf(10, 1_000)
  cache.set('a', 1)
  clock.time = 1_000
  t.equal(cache.size, 1)
  cache.expire()
  t.equal(cache.size, 0)
})

t.test('clearing forgets both generations', async (t) => {
  const { clock, cache } = cacheOf(10, 1_000)
  cache.set('a', 1)
  clock.time = 600
  cache.set('b', 2)
  t.equal(cache.size, 2)
  cache.clear()
  t.equal(cache.size, 0)
  t.equal(cache.get('a'), undefined)
  t.equal(cache.get('b'), undefined)
})

t.test('a clock that steps back empties the cache', async (t) => {
  const { clock, cache } = cacheOf(10, 1_000)
  clock.time = 5_000
  cache.set('a', 1)
  cache.get('a')
  clock.time = 10
  t.equal(cache.get('a'), undefined)
  t.equal(cache.size, 0)
})

t.test('a key with a lone surrogate is not kept', async (t) => {
  const { cache } = cacheOf(10, 1_000)
  cache.set('a\ud800', 1)
  t.equal(cache.get('a\ud800'), undefined)
  t.equal(cache.get('a\ufffd'), undefined)
})

t.test('an age above 15 minutes, or room for fewer than two, is refused', async (t) => {
  const clock = movableClock()
  const make = (maxEntries: number, maxAgeMs: number) => () =>
    new GenerationCache({ maxEntries, maxAgeMs, clock })
  t.throws(make(10, MAX_RAW_AGE_MS + 1))
  t.throws(make(10, 0))
  t.throws(make(1, 1_000))
  t.throws(make(Number.NaN, 1_000))
  t.doesNotThrow(make(2, MAX_RAW_AGE_MS))
})

t.test(
  'whatever is done to it, it is bounded, never stale, and answers with the last value set',
  async (t) => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 400 }),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      set: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 2, max: 9 }), (steps, maxEntries) => {
        const { clock, cache } = cacheOf(maxEntries, 1_000)
        const model = new Map<string, { value: number; time: number }>()
        return steps.every(({ wait, key, set }, index) => {
          clock.time += wait
          if (set) {
            cache.set(key, index)
            model.set(key, { value: index, time: clock.time })
            return cache.size <= maxEntries && cache.get(key) === index
          }
          const found = cache.get(key)
          const known = model.get(key)
          return found === undefined || (found === known?.value && clock.time - known.time < 1_000)
        })
      }),
    )
    t.pass('held in every run')
  },
)
