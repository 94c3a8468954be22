/** Corpus C7 through `rules try` and a collector whose clock it drives: about 200 cases of time. */
import t from 'tap'
import { timeCases } from './c7-time.js'
import { assertExpected } from './expected.js'
import { CORPUS_NOW } from './parts.js'
import { runCorpus } from './run.js'

t.test(
  'C7: each boundary of time holds to the millisecond, and records know the UTC day and hour alone',
  async (t) => {
    const cases = timeCases(7)
    t.ok(cases.length >= 200, String(cases.length))
    const answers = await runCorpus(t, cases, { now: CORPUS_NOW })
    assertExpected(t, cases, answers)
    const apart = cases.flatMap(({ name, record }, at) => {
      const { epoch, hour, received } = answers[at]?.records[0] ?? {}
      return record === null || JSON.stringify({ epoch, hour, received }) === JSON.stringify(record)
        ? []
        : [{ name, wanted: record, got: { epoch, hour, received } }]
    })
    t.same(apart.slice(0, 5), [], 'each record lies in its day and its hours')
  },
)
