/** Corpus C2 through `rules try` and a collector: 20,000 identifiers in every carrier; 2,000 of them every day. */
import t from 'tap'
import { carrierCases } from './c2-carriers.js'
import { CORPUS_NOW } from './parts.js'
import { runCorpus } from './run.js'

const COUNT = process.env['TACIT_TEST_FULL'] === '1' ? 20_000 : 2_000

t.test(
  'C2: an identifier drops its event in whatever carrier and encoding, and is in no output',
  async (t) => {
    const cases = carrierCases(COUNT, 2)
    t.same(carrierCases(COUNT, 2), cases, 'the same seed makes the same corpus')
    const answers = await runCorpus(t, cases, { now: CORPUS_NOW })
    const missed = cases.flatMap((one, at) => {
      const { reason, records, status } = answers[at] ?? {}
      const isDropped = status === 204 && reason?.startsWith('pii.') === true && records?.length === 0
      return one.canPass && !isDropped ? [{ ...one, reason: reason ?? 'accepted', status }] : []
    })
    const byDetector = new Map<string, number>()
    for (const { detector } of missed) byDetector.set(detector, (byDetector.get(detector) ?? 0) + 1)
    for (const [detector, count] of byDetector) t.comment(`${detector}: ${String(count)} missed`)
    t.same(
      missed.slice(0, 10).map(({ name, reason, status }) => `${name}: ${String(status)} ${reason}`),
      [],
      'every identifier in a text that could pass is found',
    )
    const others = cases.filter(({ canPass }, at) => !canPass && answers[at]?.decision === 'accepted')
    t.ok(others.length > 0, 'an identifier in a header costs no event: the header is not kept')
  },
)
