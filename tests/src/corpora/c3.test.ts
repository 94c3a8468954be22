/** Corpus C3 through `rules try` and a collector: 5,000 identifiers and look-alikes. */
import t from 'tap'
import { lookAlikeCases } from './c3-look-alikes.js'
import { CORPUS_NOW } from './parts.js'
import { runCorpus } from './run.js'

t.test('C3: a look-alike is dropped exactly where a check digit or a form explains it', async (t) => {
  const cases = lookAlikeCases(5_000, 3)
  t.same(lookAlikeCases(5_000, 3), cases, 'the same seed makes the same corpus')
  const answers = await runCorpus(t, cases, { now: CORPUS_NOW })
  const rates = new Map<string, { all: number; dropped: number; explained: number }>()
  const apart: string[] = []
  for (const [at, one] of cases.entries()) {
    const { reason, records } = answers[at] ?? {}
    const isDropped = reason?.startsWith('pii.') === true && records?.length === 0
    const rate = rates.get(one.class) ?? { all: 0, dropped: 0, explained: 0 }
    rates.set(one.class, {
      all: rate.all + 1,
      dropped: rate.dropped + Number(isDropped),
      explained: rate.explained + Number(one.isExplained),
    })
    if (isDropped !== one.isExplained) apart.push(`${one.name}: ${reason ?? 'accepted'}`)
  }
  for (const [name, { all, dropped, explained }] of rates) {
    const share = ((100 * dropped) / all).toFixed(1)
    t.comment(
      `${name}: ${String(dropped)} of ${String(all)} dropped (${share} %), ${String(explained)} explained`,
    )
  }
  t.same(apart.slice(0, 10), [], 'what is dropped, and nothing else, is explained')
  const bills = rates.get('e-way bill') ?? { all: 0, dropped: 0, explained: 0 }
  t.ok(bills.dropped > 0 && bills.dropped < 0.15 * bills.all, 'about a tenth of the e-way bills')
})
