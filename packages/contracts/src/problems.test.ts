import t from 'tap'
import { PROBLEMS, type ProblemCode, problemBody, TacitError } from './problems.js'
import { CHOICE_REASONS, isChoice, LINE_REASONS, shownReason, TECHNICAL_REASONS } from './reasons.js'

const codes = Object.keys(PROBLEMS) as ProblemCode[]

t.test(
  'every code has a name of the area, a status and a sentence that nothing is filled into',
  async (t) => {
    for (const code of codes) {
      const { status, title } = PROBLEMS[code]
      t.match(code, /^ERR_[A-Z]+(_[A-Z]+)*$/)
      t.ok(status >= 400 && status <= 599, code)
      t.match(title, /^[A-Z].{5,80}$/, code)
      t.notMatch(title, /[{}$%<>]|\.$/, code)
    }
    t.equal(new Set(codes.map((code) => PROBLEMS[code].title)).size, codes.length, 'no two read the same')
  },
)

t.test('a problem is RFC 9457 with the code, the same bytes each time', async (t) => {
  for (const code of codes) {
    const {
      type,
      title,
      status,
      code: said,
      ...rest
    } = JSON.parse(problemBody(code)) as Record<string, unknown>
    t.same([title, status, said], [PROBLEMS[code].title, PROBLEMS[code].status, code])
    t.match(type, new RegExp(`/${code}$`))
    t.same(rest, {})
  }
})

t.test('an error carries its code, status and whether to try again, and shows no cause', async (t) => {
  const error = new TacitError('ERR_LOG_FULL', undefined, { cause: new Error('alice@example.in') })
  t.match(error, { code: 'ERR_LOG_FULL', status: 503, retryable: true, message: PROBLEMS.ERR_LOG_FULL.title })
  t.notMatch(`${error.message}${JSON.stringify(error)}`, /alice/)
  t.equal(new TacitError('ERR_CONFIG_INVALID', 'Set it right').message, 'Set it right')
})

t.test('the codes that scripts hold on to keep their status', async (t) => {
  t.equal(PROBLEMS.ERR_BEACON_MALFORMED.status, 400)
  t.equal(PROBLEMS.ERR_BEACON_TOO_LARGE.status, 413)
  t.equal(PROBLEMS.ERR_BEACON_TYPE.status, 415)
  t.equal(PROBLEMS.ERR_BEACON_CONTENT_ENCODING.status, 415)
  t.equal(PROBLEMS.ERR_REQUEST_RATE.status, 429)
  t.equal(PROBLEMS.ERR_LOG_UNAVAILABLE.status, 503)
})

t.test('the list of reasons is closed, and each stands in it once', async (t) => {
  const all = [...CHOICE_REASONS, ...TECHNICAL_REASONS, ...LINE_REASONS]
  t.equal(new Set(all).size, all.length)
  t.same([...all].sort(), [
    'account_closed',
    'bot',
    'consent.denied',
    'consent.expired',
    'consent.future',
    'consent.malformed',
    'consent.stale_policy',
    'consent.unknown',
    'consent.withdrawn',
    'event.unknown',
    'expired',
    'key_missing',
    'late',
    'line.asset',
    'line.future',
    'line.method',
    'line.status',
    'line.unparsable',
    'no_origin',
    'not_adult',
    'objected',
    'rate',
    'rule_failed',
    'signal.dnt',
    'signal.gpc',
    'tenant_opted_out',
    'token.expired',
    'token.forged',
    'token.missing',
    'token.replayed',
    'token.wrong_audience',
    'unknown_site',
    'wrong_origin',
    'wrong_region',
  ])
})

t.test(
  'what a person chose is shown as refused, whatever the choice; what the system did as itself',
  async (t) => {
    for (const reason of CHOICE_REASONS) t.same([isChoice(reason), shownReason(reason)], [true, 'refused'])
    for (const reason of [...TECHNICAL_REASONS, ...LINE_REASONS, 'pii.email']) {
      t.same([isChoice(reason), shownReason(reason)], [false, reason])
    }
  },
)
