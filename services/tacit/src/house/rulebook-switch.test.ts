/** What a running instance makes of changes in its register, whoever wrote them. */
import { mkdirSync } from 'node:fs'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { DAY, DrivenClock, TacitError } from '@tacit/contracts'
import { RulebookRegister } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t, { type Test } from 'tap'
import { planActivation } from './activation.js'
import { approve, makeApproverKey } from './approvals.js'
import type { Approvers } from './approvers.js'
import { dataLayout } from './layout.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { archivedRulebook, archiveRulebook } from './rulebook-files.js'
import { pendingOf } from './rulebook-history.js'
import { RulebookSwitch, type SwitchedRealm } from './rulebook-switch.js'

const NOON = Date.parse('2026-12-02T12:00:00Z')
const MIDNIGHT = NOON + DAY / 2
const base = shippedRulebook('erp')
const TIGHTER = shippedRulebook('erp', ['ipv4: 16', 'ipv4: 12'])
const STRICTER = shippedRulebook('erp', ['min_users: 10', 'min_users: 12'])

const keys = Object.fromEntries(['ada', 'ben', 'eve', 'mal'].map((kid) => [kid, makeApproverKey(kid)]))
const people = (...kids: readonly string[]): Approvers =>
  new Map(
    kids.map((kid) => [kid, createPublicKey({ format: 'jwk', key: (keys[kid]?.jwk ?? {}) as JsonWebKey })]),
  )

/** An instance of ada and ben on a register of its own. */
function instance(t: Test) {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.dir, { recursive: true })
  const clock = new DrivenClock(NOON)
  const register = RulebookRegister.open(layout.register)
  register.append({ action: 'initial', hash: base.hash }, NOON - DAY)
  const rulebooks = new RealmRulebooks(layout, base)
  let due: { readonly at: number; readonly act: () => void } | null = null
  const realm: SwitchedRealm = {
    registerEvidence: null,
    layout,
    rulebooks,
    get rulebook() {
      return rulebooks.current()
    },
    intake: {
      atTime: (at, act) => {
        due = act === null ? null : { at, act }
      },
      lookAt: (now) => {
        const one = due
        if (one === null || now < one.at) return
        due = null
        one.act()
      },
    },
    prepare: async (next) => () => rulebooks.ruleBy(next),
  }
  const said: string[] = []
  const place = { approvers: people('ada', 'ben') }
  const start = () =>
    new RulebookSwitch({ realm, clock, approvers: () => place.approvers, alarm: (text) => said.push(text) })
  /** Whoever reads other approvers than the instance writes a change as the command line does. */
  const activate = (next: Rulebook, ...kids: readonly string[]) => {
    archiveRulebook(layout.archive, next)
    const statement = { action: 'activate', hash: next.hash, replaces: base.hash } as const
    const plan = planActivation({
      action: 'activate',
      current: realm.rulebook,
      next,
      entries: register.entries(),
      archived: (hash) => archivedRulebook(layout.archive, hash),
      approvers: () => people(...kids),
      signatures: kids.map((kid) => approve(statement, keys[kid]?.pem ?? '', kid)),
      now: clock.now(),
    })
    return register.append(plan.record, clock.now())
  }
  const found = () => register.entries().flatMap((entry) => (entry.action === 'checked' ? [entry] : []))
  return { activate, clock, found, place, realm, register, said, start }
}

t.test('a change that waits is checked when it is first seen, and obeyed at its time', async (t) => {
  const { activate, clock, found, realm, said, start } = instance(t)
  const change = start()
  const { seq } = activate(STRICTER, 'ada', 'ben')
  t.equal(await change.look(), false)
  t.match(found(), [{ checks: seq, code: null }], 'said half a day ahead')
  await change.look()
  await start().look()
  t.equal(found().length, 1, 'and said once, after a start as well')
  clock.advanceTo(MIDNIGHT)
  t.equal(await change.look(), true)
  t.equal(realm.rulebook.hash, STRICTER.hash)
  t.same(said, [])
})

t.test('strangers’ changes are refused at once, said once, and harm nobody', async (t) => {
  const { activate, clock, found, realm, said, start } = instance(t)
  const change = start()
  const theirs = activate(STRICTER, 'eve', 'mal')
  await change.look()
  await change.look()
  t.match(found(), [{ checks: theirs.seq, code: 'ERR_ACTIVATION_STRANGER' }])
  t.match(said, [/is not obeyed \(ERR_ACTIVATION_STRANGER\)/])
  t.equal(said.length, 1)
  activate(TIGHTER, 'ada', 'ben')
  t.equal(await change.look(), true, 'the approvers need not take it back first')
  t.equal(realm.rulebook.hash, TIGHTER.hash)
  clock.advanceTo(MIDNIGHT)
  t.equal(await change.look(), false)
  t.equal(realm.rulebook.hash, TIGHTER.hash)
})

t.test('the approvers’ change is obeyed, whatever strangers write after it', async (t) => {
  const { activate, clock, realm, start } = instance(t)
  const change = start()
  activate(STRICTER, 'ada', 'ben')
  await change.look()
  activate(TIGHTER, 'eve', 'mal')
  t.equal(await change.look(), false)
  t.match(pendingOf(realm.rulebooks.history.waiting), { entry: { hash: STRICTER.hash }, verified: true })
  clock.advanceTo(MIDNIGHT)
  t.equal(await change.look(), true)
  t.equal(realm.rulebook.hash, STRICTER.hash)
})

t.test('approvers who are others by its time refuse it, and who come back obey it', async (t) => {
  const { activate, clock, found, place, realm, said, start } = instance(t)
  activate(STRICTER, 'ada', 'ben')
  await start().look()
  place.approvers = people('ada', 'mal')
  const change = start()
  clock.advanceTo(MIDNIGHT)
  t.equal(await change.look(), false)
  t.equal(said.length, 1)
  t.equal(realm.rulebook.hash, base.hash)
  place.approvers = people('ada', 'ben')
  t.equal(await start().look(), true, 'after a start with the right ones')
  t.same(
    found().map(({ code }) => code),
    [null, 'ERR_ACTIVATION_STRANGER', null],
  )
})

t.test('what an entry claims of itself, or another program of it, is not believed', async (t) => {
  const { activate, clock, realm, register, said, start } = instance(t)
  const { seq } = activate(STRICTER, 'eve', 'mal')
  register.append({ action: 'checked', checks: seq, code: null }, clock.now())
  clock.advanceTo(MIDNIGHT)
  t.equal(await start().look(), false)
  t.equal(realm.rulebook.hash, base.hash)
  t.equal(said.length, 1)
})

t.test('a register that takes no answer is said, and the change is obeyed all the same', async (t) => {
  const { activate, clock, realm, register, said, start } = instance(t)
  activate(STRICTER, 'ada', 'ben')
  const own = realm.rulebooks.register
  const append = own?.append.bind(own)
  if (own === null || append === undefined) throw new Error('no register')
  own.append = (action, now) => {
    if (action.action === 'checked') throw new TacitError('ERR_KEY_STORE')
    return append(action, now)
  }
  const change = start()
  await change.look()
  t.match(said, [/could not be put on record/])
  clock.advanceTo(MIDNIGHT)
  t.equal(await change.look(), true)
  t.match(register.entries().at(-1), { action: 'applied' })
})
