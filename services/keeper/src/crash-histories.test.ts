/** Histories of crashes that were once harmful, or are too rare to be drawn (crash.test.ts draws the others). */
import { createPublicKey } from 'node:crypto'
import { type FindingCode, verifyLog } from '@tacit/audit-log'
import { DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import {
  type Action,
  assertShredded,
  isOfDisk,
  type Life,
  live,
  perform,
  picker,
  Promises,
  reopen,
  START,
} from './testing/crash-lives.js'
import { VolatileDisk } from './testing/volatile-disk.js'

/** One that ends before it does anything, at the time at which the first began. */
const IDLE_LIFE: Life = { actions: [], failure: { at: 0, kind: 'power' }, begins: 0, losesPower: false }

const DAY_AND_HOUR: readonly Action[] = [
  { do: 'person', daysAgo: 0, stream: 'day', tenant: null },
  { do: 'person', daysAgo: 0, stream: 'day', tenant: 't-1' },
  { do: 'hour', hoursAgo: 0, create: true },
  { do: 'destroy hour', hoursAgo: 0 },
  { do: 'advance', hours: 26 },
  { do: 'tick' },
  { do: 'advance', hours: 49 },
  { do: 'tick' },
]

t.test(
  'a whole life survives a loss of power at each of its steps, and its roots are overwritten on disk',
  async (t) => {
    let lives = 0
    for (const kind of ['power', 'error'] as const) {
      for (let at = 0; at < 160; at += kind === 'power' ? 1 : 2) {
        for (const numbers of [[0], [1], [1, 0], [2, 1, 0, 5]]) {
          const life: Life = { actions: DAY_AND_HOUR, failure: { at, kind }, begins: 0, losesPower: true }
          assertShredded(await live([life], picker(numbers)))
          lives += 1
        }
      }
    }
    t.equal(lives, 960)
  },
)

t.test('what could not be overwritten is overwritten again, whatever is read of it meanwhile', async (t) => {
  const actions: readonly Action[] = [
    { do: 'hour', hoursAgo: 0, create: true },
    { do: 'destroy hour', hoursAgo: 0 },
    { do: 'destroy hour', hoursAgo: 0 },
  ]
  let lives = 0
  for (let at = 0; at < 160; at += 1) {
    for (const numbers of [[0], [1], [1, 0]]) {
      const life: Life = { actions, failure: { at, kind: 'error' }, begins: 0, losesPower: true }
      assertShredded(await live([life], picker(numbers)))
      lives += 1
    }
  }
  t.equal(lives, 480)
})

t.test('what a dead process wrote and never synced is synced before it is acted upon', async (t) => {
  let lives = 0
  // The second life dies while it destroys, the third loses power while it goes on with that.
  for (let second = 0; second < 60; second += 2) {
    for (let third = 0; third < 40; third += 4) {
      for (const numbers of [[second & 2 ? 1 : 0]]) {
        const opening: readonly Action[] = [
          { do: 'hour', hoursAgo: 0, create: true },
          { do: 'person', daysAgo: 0, stream: 'week', tenant: 't-1' },
        ]
        const history: readonly Life[] = [
          { actions: opening, failure: { at: 999, kind: 'power' }, begins: 0, losesPower: false },
          {
            actions: [{ do: 'advance', hours: 20 }, { do: 'tick' }],
            failure: { at: second, kind: 'power' },
            begins: 13,
            losesPower: false,
          },
          { actions: [{ do: 'tick' }], failure: { at: third, kind: 'power' }, begins: 0, losesPower: true },
        ]
        assertShredded(await live(history, picker(numbers)))
        lives += 1
      }
    }
  }
  t.equal(lives, 300)
})

t.test(
  'what is told is on disk: a clock that went back after the disk failed opens nothing again',
  async (t) => {
    let lives = 0
    for (let at = 130; at < 180; at += 1) {
      const overdue: readonly Action[] = [
        { do: 'person', daysAgo: 0, stream: 'week', tenant: 't-1' },
        { do: 'person', daysAgo: 1, stream: 'day', tenant: 't-1' },
        { do: 'advance', hours: 49 },
        { do: 'epochs' },
        { do: 'epochs' },
        { do: 'person', daysAgo: 3, stream: 'day', tenant: 't-1' },
        { do: 'tick' },
      ]
      const failure = { at, kind: 'power' } as const
      assertShredded(
        await live([{ actions: overdue, failure, begins: 0, losesPower: false }, IDLE_LIFE], picker([0])),
      )
      lives += 1
    }
    t.equal(lives, 50)
  },
)

t.test('what a failed attempt left is on disk before the next one uses it', async (t) => {
  const person: Action = { do: 'person', daysAgo: 0, stream: 'week', tenant: 't-1' }
  let lives = 0
  for (let at = 80; at < 240; at += 1) {
    for (const numbers of [[0], [1], [21]]) {
      const failure = { at, kind: 'error' } as const
      assertShredded(
        await live([{ actions: [person, person], failure, begins: 0, losesPower: true }], picker(numbers)),
      )
      lives += 1
    }
  }
  t.equal(lives, 480)
})

/** What an auditor finds in the log as it lies there; null before its first head. */
function auditedOn(disk: VolatileDisk): readonly FindingCode[] | null {
  const file = (name: string): Buffer => disk.contents().get(`audit/${name}`) ?? Buffer.alloc(0)
  const whole = (name: string): Buffer => file(name).subarray(0, file(name).lastIndexOf(0x0a) + 1)
  const heads = whole('heads.ndjson')
  if (heads.length === 0) return null
  const publicKey = createPublicKey(file('public.pem'))
  return verifyLog({ entries: whole('entries.ndjson'), heads, publicKey }).findings.map(({ code }) => code)
}

t.test('an auditor finds nothing in a log after crashes that lie more than two hours apart', async (t) => {
  const first: readonly Action[] = [
    { do: 'person', daysAgo: 0, stream: 'day', tenant: null },
    { do: 'hour', hoursAgo: 0, create: true },
    { do: 'person', daysAgo: 0, stream: 'week', tenant: 't-1' },
  ]
  let verified = 0
  for (let second = 0; second < 60; second += 1) {
    const disk = new VolatileDisk()
    const lives = [
      { begins: 0, actions: first, failure: { at: 999, kind: 'power' } },
      { begins: 30, actions: first, failure: { at: second, kind: 'power' } },
      { begins: 35, actions: first, failure: { at: second, kind: 'power' } },
    ] as const
    for (const { actions, begins, failure } of lives) {
      const clock = new DrivenClock(START + begins * HOUR)
      try {
        const keeper = await reopen(disk, clock, failure)
        for (const action of actions) await perform(keeper, action, clock, new Promises())
      } catch (error) {
        if (!isOfDisk(error)) throw error
      }
      const found = auditedOn(disk)
      if (found === null) continue
      t.same(found, [], `the second dies at step ${String(second)}, and this began after ${String(begins)} h`)
      verified += 1
    }
  }
  t.ok(verified > 150, `${String(verified)} logs were verified`)
})
