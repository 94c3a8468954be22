import fc from 'fast-check'
import t from 'tap'
import { HourRuns, MAX_RUNS } from './hour-runs.js'

t.test(
  'whatever the order of hours, deleting runs deletes exactly the records before the hour',
  async (t) => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 60 }), fc.nat(5), fc.nat(60), (hours, cutoff, sealAt) => {
        const runs = new HourRuns()
        hours.forEach((hour, at) => {
          if (at === sealAt) runs.seal()
          const run = runs.opens(at + 1, hour)
          if (run) runs.add(run)
        })
        const deleted: number[] = []
        for (;;) {
          const found = runs.firstBefore(cutoff, hours.length + 1)
          if (!found) break
          for (let position = found.run.first; position < found.end; position++) deleted.push(position)
          runs.remove(found.run)
        }
        const expected = hours.flatMap((hour, at) => (hour < cutoff ? [at + 1] : []))
        t.same(
          deleted.sort((a, b) => a - b),
          expected,
        )
      }),
      { numRuns: 300 },
    )
  },
)

t.test('a sealed run takes no more records, even of its own hour', async (t) => {
  const runs = new HourRuns([{ first: 1, hour: 10 }])
  t.equal(runs.opens(2, 10), null)
  runs.seal()
  t.same(runs.opens(2, 10), { first: 2, hour: 10 })
})

t.test('runs are bounded: beyond the bound a straggler joins the last run and is kept longer', async (t) => {
  const runs = new HourRuns(
    Array.from({ length: MAX_RUNS }, (_, at) => ({ first: at + 1, hour: (at % 2) + 10 })),
  )
  t.equal(runs.opens(MAX_RUNS + 1, 10), null)
  t.same(runs.opens(MAX_RUNS + 1, 12), { first: MAX_RUNS + 1, hour: 12 }, 'a later hour still opens one')
})
