import type { RegisterAction, RegisterEntry } from '@tacit/keeper'
import t from 'tap'
import { answerTo } from './instance-answer.js'
import { historyOf, pendingOf } from './rulebook-history.js'

function register(...actions: readonly RegisterAction[]): readonly RegisterEntry[] {
  return actions.map((action, at) => ({ ...action, seq: at + 1, time: at }))
}

const asks = (hash: string): RegisterAction => ({
  action: 'activate',
  hash,
  replaces: 'first',
  class: 'neutral',
  takesEffect: 100,
  atOnce: false,
  signatures: [],
})
const FIRST: RegisterAction = { action: 'initial', hash: 'first' }
const GOOD: RegisterAction = { action: 'checked', checks: 2, code: null }
const BAD: RegisterAction = { action: 'checked', checks: 3, code: 'ERR_ACTIVATION_STRANGER' }

t.test('of the changes that wait the last that was not refused will rule', async (t) => {
  const pending = (...actions: readonly RegisterAction[]) => {
    const found = pendingOf(historyOf(register(FIRST, ...actions)).waiting)
    return found === null ? null : [found.entry.hash, found.verified]
  }
  t.equal(pending(), null)
  t.same(pending(asks('a')), ['a', null], 'not looked at yet')
  t.same(pending(asks('a'), asks('b'), GOOD, BAD), ['a', true])
  t.same(pending(asks('a'), asks('b'), BAD, { action: 'cancel', cancels: 2 }), ['b', false])
  const again: RegisterAction = { action: 'checked', checks: 3, code: null }
  t.same(pending(asks('a'), asks('b'), GOOD, BAD, again), ['b', true], 'what was found last counts')
  t.equal(pending({ action: 'checked', checks: 9, code: null }), null, 'what was found of nothing is nothing')
})

t.test(
  'once another one rules, nothing that waited in the place of the former one wakes again',
  async (t) => {
    const applied: RegisterAction = { action: 'applied', applies: 2, hash: 'a', from: 100 }
    const { reigns, waiting } = historyOf(register(FIRST, asks('a'), asks('b'), GOOD, BAD, applied))
    t.same(waiting, [])
    t.match(reigns, [{ hash: 'first' }, { hash: 'a', from: 100, notBefore: 100 }])
  },
)

t.test('whoever made a change reads the answer to that very change', async (t) => {
  const both = register(FIRST, asks('a'), asks('b'), GOOD, BAD)
  t.same(answerTo(both.slice(0, 3), 2), { state: 'silent' })
  t.same(answerTo(both, 2), { state: 'verified' })
  t.same(answerTo(both, 3), { state: 'refused', code: 'ERR_ACTIVATION_STRANGER' })
  const applied = register(FIRST, asks('a'), GOOD, { action: 'applied', applies: 2, hash: 'a', from: 100 })
  t.same(answerTo(applied, 2), { state: 'applied' })
})

t.test('a register cannot date a reign back before its change was known, or before its time', async (t) => {
  const applied: RegisterAction = { action: 'applied', applies: 2, hash: 'a', from: 1 }
  const reign = (entries: readonly RegisterEntry[]) => historyOf(entries).reigns[1]
  t.equal(reign(register(FIRST, asks('a'), applied))?.from, 100, 'it takes effect at 100')
  const known = register(FIRST, asks('a'), applied).map((entry) => ({ ...entry, time: 500 }))
  t.equal(reign(known)?.from, 500, 'nobody knew of it before')
  const nobody = register(FIRST, { ...applied, applies: 9 }).map((entry) => ({ ...entry, time: 700 }))
  t.equal(reign(nobody)?.from, 700, 'nobody asked for it')
  t.equal(historyOf(register(FIRST, { action: 'initial', hash: 'b' })).reigns.length, 1, 'one beginning')
})
