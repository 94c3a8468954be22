import type { RegisterAction, RegisterEntry } from '@tacit/keeper'
import t from 'tap'
import { rulebookView } from './rulebook-view.js'

const at = (time: string): number => Date.parse(time)

function register(...actions: readonly (readonly [string, RegisterAction])[]): readonly RegisterEntry[] {
  return actions.map(([time, action], index) => ({ ...action, seq: index + 1, time: at(time) }))
}

const INITIAL = ['2026-11-01T08:30:00Z', { action: 'initial', hash: 'first' }] as const
const ASKED = [
  '2026-11-10T09:00:00Z',
  {
    action: 'activate',
    hash: 'second',
    replaces: 'first',
    class: 'neutral',
    takesEffect: at('2026-11-11T00:00:00Z'),
    atOnce: false,
    signatures: [],
  },
] as const
const APPLIED = [
  '2026-11-11T00:00:00.700Z',
  { action: 'applied', applies: 2, hash: 'second', from: at('2026-11-11T00:00:00Z') },
] as const

t.test('a realm without a register has no history, and one that was begun rules since then', async (t) => {
  t.strictSame(rulebookView([]), { since: null, pending: null, history: [] })
  t.strictSame(rulebookView(register(INITIAL)), {
    since: '2026-11-01T08:30:00Z',
    pending: null,
    history: [{ hash: 'first', since: '2026-11-01T08:30:00Z', until: null }],
  })
})

t.test('a change waits, and then rules; the former one is remembered with its end', async (t) => {
  t.match(rulebookView(register(INITIAL, ASKED)), {
    since: '2026-11-01T08:30:00Z',
    pending: { hash: 'second', takes_effect: '2026-11-11T00:00:00Z', verified: null },
    history: [{ hash: 'first', until: null }],
  })
  t.strictSame(rulebookView(register(INITIAL, ASKED, APPLIED)), {
    since: '2026-11-11T00:00:00Z',
    pending: null,
    history: [
      { hash: 'first', since: '2026-11-01T08:30:00Z', until: '2026-11-11T00:00:00Z' },
      { hash: 'second', since: '2026-11-11T00:00:00Z', until: null },
    ],
  })
  const cancelled = register(INITIAL, ASKED, ['2026-11-10T10:00:00Z', { action: 'cancel', cancels: 2 }])
  t.match(rulebookView(cancelled), { pending: null, history: [{ hash: 'first' }] })
})
