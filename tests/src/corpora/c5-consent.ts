/**
 * Corpus C5: consent. The full cross product of what the token says, the browser's signals, standing refusals, age, the
 * time of the consent and the policy that it answered; and a smaller one of what the page says and of closed accounts.
 *
 * The oracle is written from privacy.md 1 and interface.md, not from the code: a list of refusals in the order "token's
 * consent, withdrawal, page, signals, objection, company, adult, region, account". One outcome is a case without any.
 */
import type { TryInput } from './corpus.js'
import { claimsAt, type ExpectedCase, goodBody, goodInput, markedAgent, seeded } from './parts.js'

/** Time of receipt: 13 calendar months after the 2nd of November of the year before. */
export const CONSENT_NOW = '2026-12-02T10:20:30Z'

interface Choice {
  /** as the test's names say it */
  readonly is: string
  readonly value: unknown
  /** why it refuses, or null */
  readonly refuses: string | null
}

const choice = (is: string, value: unknown, refuses: string | null = null): Choice => ({ is, value, refuses })
const NO = choice('not', false)

/** `consent` of the token, without its time and policy; `undefined` stands for a token without any. */
const STATES: readonly Choice[] = [
  choice('granted', 'granted'),
  choice('denied', 'denied', 'consent.denied'),
  choice('unknown', 'unknown', 'consent.unknown'),
  choice('withdrawn', 'withdrawn', 'consent.withdrawn'),
  choice('GRANTED', 'GRANTED', 'consent.malformed'),
  choice('absent', undefined, 'consent.unknown'),
]
const TIMES: readonly Choice[] = [
  choice('an hour ago', '2026-12-02T09:20:30Z'),
  choice('13 months ago to the second', '2025-11-02T10:20:30Z'),
  choice('13 months and a second ago', '2025-11-02T10:20:29Z', 'consent.expired'),
  choice('an hour and a second ahead', '2026-12-02T11:20:31Z', 'consent.future'),
  choice('at no time', 'yesterday', 'consent.malformed'),
]
const POLICIES: readonly Choice[] = [
  choice('this policy', '2026-11-01'),
  choice('an older policy', '2025-11-01', 'consent.stale_policy'),
  choice('a newer policy', '2027-02-01', 'consent.stale_policy'),
]
const GPC: readonly Choice[] = [NO, choice('GPC', true, 'signal.gpc')]
const DNT: readonly Choice[] = [NO, choice('DNT', true, 'signal.dnt')]
const OBJECTED: readonly Choice[] = [NO, choice('objected', true, 'objected')]
const OPTED_OUT: readonly Choice[] = [NO, choice('company opted out', true, 'tenant_opted_out')]
const ADULT: readonly Choice[] = [
  choice('adult', true),
  choice('minor', false, 'not_adult'),
  choice('of unknown age', undefined, 'not_adult'),
]
const PAGE: readonly Choice[] = [
  choice('page silent', undefined),
  choice('page granted', { analytics: 'granted' }),
  choice('page denied', { analytics: 'denied' }, 'consent.denied'),
  choice('page unknown', { analytics: 'unknown' }, 'consent.unknown'),
  choice('page withdrawn', { analytics: 'withdrawn' }, 'consent.withdrawn'),
  choice('page says yes', { analytics: 'yes' }, 'consent.malformed'),
  choice('consent mode granted', { google: { analytics_storage: 'granted' } }),
  choice('consent mode denied', { google: { analytics_storage: 'denied' } }, 'consent.denied'),
  choice('TC string unreadable', { tcf: 'not-a-string' }, 'consent.malformed'),
]
const WITHDRAWN: readonly Choice[] = [NO, choice('withdrawn since', true, 'consent.withdrawn')]
const CLOSED: readonly Choice[] = [NO, choice('account closed', true, 'account_closed')]
const REGIONS: readonly Choice[] = [
  choice('in India', 'in'),
  choice('in Europe', 'eu', 'wrong_region'),
  choice('nowhere', undefined, 'wrong_region'),
]

interface Question {
  readonly state: Choice
  readonly time: Choice
  readonly policy: Choice
  readonly withdrawn: Choice
  readonly page: Choice
  readonly gpc: Choice
  readonly dnt: Choice
  readonly objected: Choice
  readonly optedOut: Choice
  readonly adult: Choice
  readonly region: Choice
  readonly closed: Choice
}

/** In the order in which a refusal is told. */
const ORDER = [
  'state',
  'time',
  'policy',
  'withdrawn',
  'page',
  'gpc',
  'dnt',
  'objected',
  'optedOut',
  'adult',
  'region',
  'closed',
] as const satisfies readonly (keyof Question)[]

/** What must become of a case: the first refusal, or null where there is none. */
function oracle(question: Question): string | null {
  for (const name of ORDER) if (question[name].refuses !== null) return question[name].refuses
  return null
}

/** Every combination, the first axis slowest. */
function crossed<K extends string>(
  axes: Readonly<Record<K, readonly Choice[]>>,
): readonly Record<K, Choice>[] {
  let rows: Partial<Record<K, Choice>>[] = [{}]
  for (const name of Object.keys(axes) as K[]) {
    rows = rows.flatMap((row) => axes[name].map((value) => ({ ...row, [name]: value })))
  }
  return rows as Record<K, Choice>[]
}

const first = (choices: readonly Choice[]): Choice => choices[0] as Choice
const PLAIN: Question = {
  state: first(STATES),
  time: first(TIMES),
  policy: first(POLICIES),
  withdrawn: NO,
  page: first(PAGE),
  gpc: NO,
  dnt: NO,
  objected: NO,
  optedOut: NO,
  adult: first(ADULT),
  region: first(REGIONS),
  closed: NO,
}

/** @param mark stands for the person; must leave in no form */
function inputOf(question: Question, mark: string): TryInput {
  const { adult, closed, dnt, gpc, objected, optedOut, page, policy, region, state, time, withdrawn } =
    question
  const states = {
    ...(objected.value === true ? { objected: true } : {}),
    ...(optedOut.value === true ? { tenant_opted_out: true } : {}),
    ...(withdrawn.value === true ? { withdrawn: true } : {}),
    ...(closed.value === true ? { account_closed: true } : {}),
  }
  const consent =
    state.value === undefined ? undefined : { analytics: state.value, policy: policy.value, at: time.value }
  return goodInput(CONSENT_NOW, {
    headers: {
      origin: 'https://erp.example.in',
      'user-agent': markedAgent(mark),
      ...(gpc.value === true ? { 'sec-gpc': '1' } : {}),
      ...(dnt.value === true ? { dnt: '1' } : {}),
    },
    body: goodBody(undefined, page.value === undefined ? {} : { consent: page.value }),
    // What is undefined is named all the same: a default must not stand in for it.
    claims: claimsAt(CONSENT_NOW, { sub: mark, adult: adult.value, region: region.value, consent }),
    ...(Object.keys(states).length === 0 ? {} : { state: states }),
  })
}

function casesOf(questions: readonly Question[], seed: number): readonly ExpectedCase[] {
  const random = seeded(seed)
  const marks = Array.from({ length: 50 }, () => random.mark())
  return questions.map((question) => {
    const mark = random.pick(marks)
    const name = ORDER.map((axis) => question[axis])
      .filter(({ value }) => value !== false)
      .map(({ is }) => is)
      .join(', ')
    return {
      name,
      input: inputOf(question, mark),
      raw: [mark],
      expected: { status: 204, reason: oracle(question) },
    }
  })
}

/** 4,320 cases: all states × times × policies × signals × objection × company × age. */
export function consentCases(seed: number): readonly ExpectedCase[] {
  const axes = {
    state: STATES,
    time: TIMES,
    policy: POLICIES,
    gpc: GPC,
    dnt: DNT,
    objected: OBJECTED,
    optedOut: OPTED_OUT,
    adult: ADULT,
  }
  return casesOf(
    crossed(axes).map((row) => ({ ...PLAIN, ...row })),
    seed,
  )
}

/** 1,296 cases: what the token, the page and the stores say, in every region. */
export function pageCases(seed: number): readonly ExpectedCase[] {
  const axes = { state: STATES, page: PAGE, withdrawn: WITHDRAWN, closed: CLOSED, region: REGIONS, gpc: GPC }
  return casesOf(
    crossed(axes).map((row) => ({ ...PLAIN, ...row })),
    seed,
  )
}
