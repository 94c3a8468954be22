/** Corpus C6 through `rules try` and a collector: 2,000 bodies. */
import t from 'tap'
import { bodyCases } from './c6-bodies.js'
import { assertExpected } from './expected.js'
import { CORPUS_NOW } from './parts.js'
import { runCorpus } from './run.js'

t.test(
  'C6: bodies are taken, dropped or refused as they must, and nothing of them is in any output',
  async (t) => {
    const cases = bodyCases(2_000, 6)
    t.same(bodyCases(2_000, 6), cases, 'the same seed makes the same corpus')
    assertExpected(t, cases, await runCorpus(t, cases, { now: CORPUS_NOW }))
  },
)
