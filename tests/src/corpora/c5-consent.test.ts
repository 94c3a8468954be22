/** Corpus C5: the consent cross product, held against an oracle of its own; and that oracle against broken decisions. */
import { compileDecision, NO_PERSON, type PersonState, readSignals } from '@tacit/anonymizer'
import { readClaims } from '@tacit/collector'
import type { Beacon } from '@tacit/contracts'
import type { RefuseSignal, Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { CONSENT_NOW, consentCases, pageCases } from './c5-consent.js'
import { assertExpected } from './expected.js'
import type { ExpectedCase } from './parts.js'
import { assertNothingRaw, runCorpus, runThroughTry, type TryAnswer } from './run.js'

const CROSS = consentCases(5)
const PAGES = pageCases(6)
const ALL = [...CROSS, ...PAGES]
const isGranted = ({ input }: ExpectedCase): boolean =>
  (input.claims?.['consent'] as { readonly analytics?: unknown } | undefined)?.analytics === 'granted'

/** The reason of each case by a decision that is compiled here, without a process. */
function decided(rulebook: Rulebook, cases: readonly ExpectedCase[]): readonly (string | null)[] {
  const now = Date.parse(CONSENT_NOW)
  const site = rulebook.sites['erp']
  if (site === undefined) throw new Error('the ERP rulebook has no ERP')
  const decide = compileDecision(rulebook, site)
  return cases.map(({ input }) =>
    decide(
      {
        source: 'beacon',
        origin: 'https://erp.example.in',
        ...readSignals(Object.entries(input.headers).flat(2)),
        token: readClaims({ ...input.claims }, now).result,
        person: (input.state ?? NO_PERSON) as PersonState,
        bot: false,
        consent: (input.body as { readonly consent?: Beacon['consent'] }).consent,
      },
      now,
    ),
  )
}

/** Cases that a decision lets pass though they must not. */
function leaks(rulebook: Rulebook): readonly ExpectedCase[] {
  const reasons = decided(rulebook, ALL)
  return ALL.filter(({ expected }, at) => expected.reason !== null && reasons[at] === null)
}

t.test('C5 is the whole cross product, the same for the same seed', (t) => {
  t.same(consentCases(5), CROSS)
  t.equal(CROSS.length, 6 * 5 * 3 * 2 * 2 * 2 * 2 * 3)
  t.equal(PAGES.length, 6 * 9 * 2 * 2 * 3 * 2)
  for (const cases of [CROSS, PAGES]) {
    t.equal(new Set(cases.map(({ name }) => name)).size, cases.length, 'no case twice')
  }
  t.equal(CROSS.filter(({ expected }) => expected.reason === null).length, 2, 'of the two good times')
  t.end()
})

t.test(
  'C5: accepted exactly where the oracle says, only on granted, nothing raw in any output',
  async (t) => {
    const { answers, outputs } = await runThroughTry(ALL, { now: CONSENT_NOW })
    assertExpected(t, ALL, answers)
    assertNothingRaw(t, ALL, outputs)
    const accepted = ALL.filter((_, at) => answers[at]?.decision === 'accepted')
    t.ok(accepted.length > 2)
    t.ok(accepted.every(isGranted), 'only on granted')
    const records = (answer: TryAnswer | undefined) =>
      answer?.records.filter(({ stream }) => stream === 'day').length ?? 0
    t.ok(
      answers.every((answer) => records(answer) === (answer.decision === 'accepted' ? 1 : 0)),
      'a record where it was accepted, and nowhere else',
    )
  },
)

t.test('C5: a live collector decides the same of all that needs no stored state', async (t) => {
  const cases = ALL.filter(({ input }) => input.state === undefined)
  t.equal(cases.length, 6 * 5 * 3 * 2 * 2 * 3 + 6 * 9 * 3 * 2)
  assertExpected(t, cases, await runCorpus(t, cases, { now: CONSENT_NOW }))
})

t.test('C5 catches a decision that leaves out a refusal', (t) => {
  const erp = shippedRulebook('erp')
  t.same(
    decided(erp, ALL),
    ALL.map(({ expected }) => expected.reason),
    'the decision as it is shipped',
  )
  const signals: readonly RefuseSignal[] = [
    'gpc',
    'dnt',
    'objected',
    'tenant_opted_out',
    'account_closed',
    'not_adult',
    'wrong_region',
  ]
  t.same([...erp.purpose.refuseWhen].sort(), [...signals].sort(), 'each signal is tried')
  const broken = (purpose: Partial<Rulebook['purpose']>): Rulebook => ({
    ...erp,
    purpose: { ...erp.purpose, ...purpose },
  })
  for (const left of signals) {
    const refuseWhen = new Set(signals.filter((signal) => signal !== left))
    t.not(leaks(broken({ refuseWhen })).length, 0, `without ${left} somebody is counted who must not be`)
  }
  t.not(leaks(broken({ maxConsentAgeMonths: 14 })).length, 0, 'an older consent is caught')
  t.not(leaks({ ...erp, policy: { ...erp.policy, version: '2025-11-01' } }).length, 0, 'and another policy')
  t.end()
})
