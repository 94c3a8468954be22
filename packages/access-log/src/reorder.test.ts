import fc from 'fast-check'
import t from 'tap'
import { createReorder } from './reorder.js'

interface Item {
  readonly time: number
  readonly arrival: number
}

const items = (...times: readonly number[]): Item[] => times.map((time, arrival) => ({ time, arrival }))

/** What comes out of pushing all and flushing. */
function played(input: readonly Item[], windowMs: number, maxItems?: number): Item[] {
  const reorder = createReorder<Item>(windowMs, maxItems)
  return [...input.flatMap((item) => [...reorder.push(item)]), ...reorder.flush()]
}

t.test('an item waits until another one is a whole window younger', async (t) => {
  const reorder = createReorder<{ time: number }>()
  t.same(reorder.push({ time: 0 }), [])
  t.same(reorder.push({ time: 59_999 }), [])
  t.same(reorder.push({ time: 60_000 }), [{ time: 0 }])
  t.same(reorder.push({ time: 200_000 }), [{ time: 59_999 }, { time: 60_000 }])
  t.same(reorder.flush(), [{ time: 200_000 }])
  t.same(reorder.flush(), [])
})

t.test('disorder within the window is mended, and ties keep their order', async (t) => {
  const step = fc.record({ wait: fc.integer({ min: 0, max: 30 }), behind: fc.integer({ min: 0, max: 100 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      let now = 0
      const times = steps.map(({ wait, behind }) => {
        now += wait
        return now - behind
      })
      const input = items(...times)
      const expected = [...input].sort((one, other) => one.time - other.time || one.arrival - other.arrival)
      return JSON.stringify(played(input, 100)) === JSON.stringify(expected)
    }),
  )
  t.pass('held in every run')
})

t.test('whatever comes in goes out once, under any disorder and any bound', async (t) => {
  const times = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 300 })
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 50 }), (list, maxItems) => {
      const arrivals = played(items(...list), 100, maxItems).map((item) => item.arrival)
      return arrivals.length === list.length && new Set(arrivals).size === list.length
    }),
  )
  t.pass('held in every run')
})

t.test('no more than its bound wait', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_000), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (times, maxItems) => {
        const reorder = createReorder<Item>(1_000_000, maxItems)
        let waiting = 0
        return items(...times).every((item) => {
          waiting += 1 - reorder.push(item).length
          return waiting <= maxItems
        })
      },
    ),
  )
  t.pass('held in every run')
})

t.test('an item beyond the window leaves at once, behind its time', async (t) => {
  t.same(
    played(items(0, 500, 700, 1), 100).map((item) => item.time),
    [0, 500, 1, 700],
  )
})
