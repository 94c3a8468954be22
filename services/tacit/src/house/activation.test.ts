/** When which change of a rulebook may be made: every rule of it, at any date. */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { DAY, HOUR, type ProblemCode, TacitError } from '@tacit/contracts'
import type { RegisterAction, RegisterEntry } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t, { type Test } from 'tap'
import { type ActivationRequest, planActivation } from './activation.js'
import { approve, makeApproverKey, type Statement } from './approvals.js'
import type { Approvers } from './approvers.js'
import { historyOf, noticeOf, pendingOf, ruling } from './rulebook-history.js'

const rulebook = (...changes: readonly (readonly [string, string])[]): Rulebook =>
  shippedRulebook('erp', ...changes)

const keys = Object.fromEntries(['ada', 'ben', 'eve'].map((kid) => [kid, makeApproverKey(kid)]))
const approvers: Approvers = new Map(
  ['ada', 'ben'].map((kid) => [
    kid,
    createPublicKey({ format: 'jwk', key: (keys[kid]?.jwk ?? {}) as JsonWebKey }),
  ]),
)
const NOW = Date.parse('2026-12-02T10:30:00Z')
const MIDNIGHT = Date.parse('2026-12-03T00:00:00Z')
const base = rulebook()
const sign = (statement: Statement, ...kids: readonly string[]) =>
  kids.map((kid) => approve(statement, keys[kid]?.pem ?? '', kid))

function entries(...actions: readonly (readonly [RegisterAction, number])[]): readonly RegisterEntry[] {
  return actions.map(([action, time], at) => ({ ...action, seq: at + 1, time }))
}

const INITIAL = [{ action: 'initial', hash: base.hash }, NOW - 90 * DAY] as const

function request(next: Rulebook, more: Partial<ActivationRequest> = {}): ActivationRequest {
  const statement = { action: 'activate', hash: next.hash, replaces: base.hash } as const
  return {
    action: 'activate',
    current: base,
    next,
    entries: entries(INITIAL),
    archived,
    approvers: () => approvers,
    signatures: sign(statement, 'ada', 'ben'),
    now: NOW,
    ...more,
  }
}

const TIGHTER = rulebook(['ipv4: 16', 'ipv4: 12'])
const STRICTER = rulebook(['min_users: 10', 'min_users: 12'])
const RENAMED = rulebook(['title: Errors', 'title: Faults'])
const NEWER = ['policy: { version: "2026-11-01"', 'policy: { version: "2026-12-01"'] as const
/** In effect from 5 January 2027 on, told of on 1 December, under a policy of its own. */
const LOOSER = rulebook(
  ['bots: drop', 'bots: count'],
  NEWER,
  ['effective: 2026-11-01', 'effective: 2027-01-05'],
  ['notice: { at: 2026-10-01 }', 'notice: { at: 2026-12-01 }'],
)
function archived(hash: string): Rulebook {
  const found = [base, TIGHTER, STRICTER, RENAMED, LOOSER].find((one) => one.hash === hash)
  if (found === undefined) throw new Error('not in the archive')
  return found
}

const refused = (t: Test, code: ProblemCode, asked: ActivationRequest, why: string) =>
  t.throws(() => planActivation(asked), { code }, why)

t.test(
  'a tightening of what is collected holds at once; of what is published, from midnight on',
  async (t) => {
    const at = (next: Rulebook) => planActivation(request(next))
    t.match(at(TIGHTER), { takesEffect: NOW, record: { class: 'tighten', atOnce: true } })
    t.match(at(STRICTER), { takesEffect: MIDNIGHT, record: { class: 'tighten', atOnce: false } })
    t.match(at(RENAMED), { takesEffect: MIDNIGHT, record: { class: 'neutral', atOnce: false } })
    const later = rulebook(['ipv4: 16', 'ipv4: 12'], ['effective: 2026-11-01', 'effective: 2026-12-20'])
    t.match(at(later), { takesEffect: Date.parse('2026-12-20'), record: { atOnce: false } }, 'when it says')
  },
)

t.test('every change needs two approvers over this very change', async (t) => {
  const statement = { action: 'activate', hash: TIGHTER.hash, replaces: base.hash } as const
  const signed = (signatures: ActivationRequest['signatures']) => request(TIGHTER, { signatures })
  refused(t, 'ERR_ACTIVATION_SIGNATURES', signed([]), 'nobody')
  refused(t, 'ERR_ACTIVATION_SIGNATURES', signed(sign(statement, 'ada')), 'one')
  refused(t, 'ERR_ACTIVATION_SIGNATURES', signed(sign(statement, 'ada', 'ada')), 'one, twice')
  refused(t, 'ERR_ACTIVATION_STRANGER', signed(sign(statement, 'ada', 'ben', 'eve')), 'a stranger beside two')
  refused(t, 'ERR_ACTIVATION_STRANGER', signed(sign(statement, 'ada', 'eve')), 'a stranger as the second')
  const posing = sign(statement, 'eve').map(({ signature }) => ({ kid: 'ben', signature }))
  refused(
    t,
    'ERR_ACTIVATION_SIGNATURES',
    signed([...sign(statement, 'ada'), ...posing]),
    'a stranger under another name',
  )
  for (const other of [
    { ...statement, hash: STRICTER.hash },
    { ...statement, replaces: STRICTER.hash },
    { ...statement, action: 'rollback' as const },
  ]) {
    refused(t, 'ERR_ACTIVATION_SIGNATURES', signed(sign(other, 'ada', 'ben')), 'signed something else')
  }
  const broken = sign(statement, 'ada', 'ben').map(({ kid }) => ({ kid, signature: 'AAAA' }))
  refused(t, 'ERR_ACTIVATION_SIGNATURES', signed(broken), 'no signature')
})

t.test('a loosening needs its notice on record for 30 days, whatever the file says', async (t) => {
  const told = Date.parse('2026-12-01T09:00:00Z')
  const notice = [{ action: 'notice', hash: LOOSER.hash }, told] as const
  const at = (now: number, ...more: readonly (readonly [RegisterAction, number])[]) =>
    request(LOOSER, { now, entries: entries(INITIAL, ...more) })
  refused(t, 'ERR_ACTIVATION_NOTICE', at(NOW), 'nobody was told')
  const other = [{ action: 'notice', hash: TIGHTER.hash }, told] as const
  refused(t, 'ERR_ACTIVATION_NOTICE', at(NOW, other), 'people were told of something else')
  t.match(
    planActivation(at(NOW, notice)),
    { takesEffect: Date.parse('2027-01-05'), record: { class: 'loosen', atOnce: false } },
    'it may be put on record early, and holds from its day on',
  )
  const late = [{ action: 'notice', hash: LOOSER.hash }, Date.parse('2026-12-10')] as const
  refused(
    t,
    'ERR_ACTIVATION_TOO_EARLY',
    at(Date.parse('2026-12-11'), late),
    'told on the 10th, in effect on the 5th',
  )
  t.ok(planActivation(at(Date.parse('2027-01-08T10:00:00Z'), late)), 'until 30 days have passed all the same')
  const hurried = rulebook(['bots: drop', 'bots: count'], NEWER, [
    'notice: { at: 2026-10-01 }',
    'notice: { at: 2026-10-20 }',
  ])
  const told2 = [{ action: 'notice', hash: hurried.hash }, NOW - 60 * DAY] as const
  refused(
    t,
    'ERR_ACTIVATION_TOO_EARLY',
    request(hurried, { entries: entries(INITIAL, told2) }),
    'the file itself says too little',
  )
})

t.test('a loosening that former consents would cover, or of which nobody was told, is refused', async (t) => {
  const told = (next: Rulebook) =>
    request(next, {
      now: Date.parse('2027-02-01T10:00:00Z'),
      entries: entries(INITIAL, [{ action: 'notice', hash: next.hash }, NOW]),
    })
  const looser = ['bots: drop', 'bots: count'] as const
  const later = ['notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-02 }'] as const
  t.ok(planActivation(told(rulebook(looser, NEWER, later))))
  refused(
    t,
    'ERR_ACTIVATION_POLICY',
    told(rulebook(looser, later)),
    'the policy that people agreed to already',
  )
  const older = ['policy: { version: "2026-11-01"', 'policy: { version: "2026-10-01"'] as const
  refused(t, 'ERR_ACTIVATION_POLICY', told(rulebook(looser, older, later)), 'an older one')
  refused(t, 'ERR_ACTIVATION_POLICY', told(rulebook(older, later)), 'an older one, and nothing else')
  refused(t, 'ERR_ACTIVATION_NOTICE', told(rulebook(looser, NEWER)), 'the notice of the former rulebook')
  t.match(
    planActivation(told(rulebook(NEWER))),
    { record: { class: 'neutral' } },
    'a newer policy alone asks for neither',
  )
  const website = shippedRulebook('website')
  const exempt = shippedRulebook(
    'website',
    ['min_users: 10', 'min_users: 9'],
    ['effective: 2026-11-01', 'notice: { at: 2026-10-01 }\neffective: 2026-11-01'],
  )
  const statement = { action: 'activate', hash: exempt.hash, replaces: website.hash } as const
  t.ok(
    planActivation({ ...told(exempt), current: website, signatures: sign(statement, 'ada', 'ben') }),
    'where nobody is asked for consent, none is stale',
  )
})

t.test('a clock behind the register decides nothing', async (t) => {
  const ahead = [{ action: 'notice', hash: LOOSER.hash }, NOW + HOUR] as const
  refused(
    t,
    'ERR_ACTIVATION_CLOCK',
    request(TIGHTER, { entries: entries(INITIAL, ahead) }),
    'set back after a notice',
  )
})

t.test('what would have expired, is there already, waits or belongs elsewhere is refused', async (t) => {
  const short = rulebook(['ipv4: 16', 'ipv4: 12'], ['expires: 2027-11-30', 'expires: 2026-12-02'])
  refused(t, 'ERR_ACTIVATION_EXPIRED', request(short), 'expired today')
  const tomorrow = rulebook(
    ['min_users: 10', 'min_users: 12'],
    ['expires: 2027-11-30', 'expires: 2026-12-03'],
  )
  refused(t, 'ERR_ACTIVATION_EXPIRED', request(tomorrow), 'expires at the midnight from which it would rule')
  refused(t, 'ERR_ACTIVATION_NOTHING', request(base), 'it rules already')
  const { record } = planActivation(request(STRICTER))
  refused(
    t,
    'ERR_ACTIVATION_PENDING',
    request(TIGHTER, { entries: entries(INITIAL, [record, NOW - HOUR]) }),
    'another waits',
  )
  refused(
    t,
    'ERR_ACTIVATION_APART',
    request(rulebook(['id: product-usage-stats', 'id: security'])),
    'another purpose',
  )
  const slow = rulebook(['lateness: 1h', 'lateness: 24h'])
  const brief = rulebook(['destroy_key_after: 48h', 'destroy_key_after: 24h'])
  refused(
    t,
    'ERR_ACTIVATION_KEYS',
    request(brief, { current: slow }),
    'windows that close when their keys are dead',
  )
  t.ok(planActivation(request(brief)))
})

t.test('what the approvers did not sign does not wait, and does not stand in their way', async (t) => {
  const { record } = planActivation(request(STRICTER))
  const statement = { action: 'activate', hash: STRICTER.hash, replaces: base.hash } as const
  const waits = (...kids: readonly string[]) =>
    entries(INITIAL, [{ ...record, signatures: sign(statement, ...kids) }, NOW - HOUR])
  for (const kids of [['ada'], ['ada', 'eve'], []]) {
    t.ok(planActivation(request(TIGHTER, { entries: waits(...kids) })), kids.join(' and '))
  }
  const unknown = { ...record, hash: 'f'.repeat(64) }
  t.ok(
    planActivation(request(TIGHTER, { entries: entries(INITIAL, [unknown, NOW - HOUR]) })),
    'no text of it',
  )
  const both = entries(
    INITIAL,
    [record, NOW - HOUR],
    [{ ...record, signatures: sign(statement, 'eve') }, NOW - HOUR],
  )
  refused(
    t,
    'ERR_ACTIVATION_PENDING',
    request(TIGHTER, { entries: both }),
    'theirs waits, whatever others wrote after it',
  )
  const nobody = () => {
    throw new TacitError('ERR_ACTIVATION_APPROVERS')
  }
  refused(
    t,
    'ERR_ACTIVATION_APPROVERS',
    request(TIGHTER, { entries: both, approvers: nobody }),
    'nobody is known who could tell',
  )
})

t.test('a signature of another text is said to be one, and what to do about it', async (t) => {
  const statement = { action: 'activate', hash: TIGHTER.hash, replaces: base.hash } as const
  const former = sign({ ...statement, hash: STRICTER.hash }, 'ada', 'ben')
  const says = (asked: ActivationRequest, message: RegExp) =>
    t.throws(() => planActivation(asked), { message })
  says(request(TIGHTER, { signatures: former }), /0 of 2 .*ada and ben signed another text.*sign again.*FILE/)
  says(
    request(TIGHTER, { signatures: [...former.slice(1), ...sign(statement, 'ada')] }),
    /1 of 2 .*change\. ben signed another text/,
  )
  says(request(TIGHTER, { signatures: sign(statement, 'ada') }), /each of them runs `tacit rules sign FILE/)
  const ruled = entries(INITIAL, [{ action: 'applied', applies: 2, hash: TIGHTER.hash, from: NOW }, NOW])
  says(
    request(base, { action: 'rollback', current: TIGHTER, entries: ruled, signatures: [] }),
    /each of them runs `tacit rules sign --rollback --key KEY`/,
  )
})

t.test('going back needs hands only where it loosens, and never another month', async (t) => {
  const { record } = planActivation(request(TIGHTER))
  const ruled = entries(
    INITIAL,
    [record, NOW - DAY],
    [{ action: 'applied', applies: 2, hash: TIGHTER.hash, from: NOW - DAY }, NOW - DAY],
  )
  const statement = { action: 'rollback', hash: base.hash, replaces: TIGHTER.hash } as const
  const back = { action: 'rollback', current: TIGHTER, entries: ruled } as const
  refused(
    t,
    'ERR_ACTIVATION_SIGNATURES',
    request(base, { ...back, signatures: [] }),
    'back to the looser one',
  )
  t.match(planActivation(request(base, { ...back, signatures: sign(statement, 'ada', 'ben') })), {
    takesEffect: MIDNIGHT,
    record: { class: 'loosen', atOnce: false },
  })
  const never = rulebook(['bots: drop', 'bots: count'])
  const wrong = { action: 'rollback', hash: never.hash, replaces: TIGHTER.hash } as const
  refused(
    t,
    'ERR_ACTIVATION_NOTICE',
    request(never, { ...back, signatures: sign(wrong, 'ada', 'ben') }),
    'back to what never ruled',
  )
  const forth = request(TIGHTER, { action: 'rollback', current: base, signatures: [] })
  t.match(
    planActivation(forth),
    { takesEffect: NOW, record: { class: 'tighten', signatures: [] } },
    'to the tighter one, at once',
  )
})

t.test('the register says who ruled when, and who decided which window', async (t) => {
  const { record } = planActivation(request(STRICTER))
  const told = [{ action: 'notice', hash: 'x' }, NOW] as const
  const waiting = entries(INITIAL, told, [record, NOW])
  t.equal(pendingOf(historyOf(waiting).waiting)?.entry.hash, STRICTER.hash)
  t.equal(noticeOf(waiting, 'x'), NOW)
  t.equal(noticeOf(waiting, 'y'), null)
  t.same(historyOf([...waiting, { action: 'cancel', cancels: 3, seq: 4, time: NOW }]).waiting, [])
  const applied = [
    ...waiting,
    {
      action: 'applied',
      applies: 3,
      hash: STRICTER.hash,
      from: MIDNIGHT + 700,
      seq: 4,
      time: MIDNIGHT + 900,
    } as const,
  ]
  const { reigns, waiting: left } = historyOf(applied)
  t.same(left, [])
  t.same(
    reigns.map(({ hash, notBefore }) => [hash, notBefore]),
    [
      [base.hash, Number.NEGATIVE_INFINITY],
      [STRICTER.hash, MIDNIGHT],
    ],
  )
  const window = (start: number) =>
    ruling(reigns, start, start + DAY, start + DAY + HOUR).map(({ hash }) => hash)
  t.same(window(MIDNIGHT - DAY), [base.hash], 'stragglers of the day before are late under the new one')
  t.same(
    window(MIDNIGHT),
    [base.hash, STRICTER.hash],
    'the 700 ms until it was obeyed belong to the former one',
  )
  t.same(window(MIDNIGHT + DAY), [STRICTER.hash])
})
