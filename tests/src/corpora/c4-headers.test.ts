/** Corpus C4 through `rules try` and a collector: 300 cases of headers. */
import t from 'tap'
import { headerCases } from './c4-headers.js'
import { assertExpected } from './expected.js'
import { CORPUS_NOW } from './parts.js'
import { runCorpus } from './run.js'

t.test('C4: headers refuse where they must, and none of them is in any output', async (t) => {
  const cases = headerCases(300, 4)
  t.same(headerCases(300, 4), cases, 'the same seed makes the same corpus')
  t.equal(new Set(cases.map(({ input }) => JSON.stringify(input))).size, 300, 'no case twice')
  assertExpected(t, cases, await runCorpus(t, cases, { now: CORPUS_NOW }))
})
