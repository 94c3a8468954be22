import t from 'tap'
import type { SentBeacon } from './beacons.js'
import { judge, judgeLedger, judgePseudonyms, judgeRows } from './oracle.js'
import type { LedgerRow, StoredRow } from './stores.js'

const AT = Date.UTC(2026, 10, 5, 10, 30)
const HOUR = '2026-11-05T10:00:00Z'

function sent(markers: readonly string[], rest: Partial<SentBeacon> = {}): SentBeacon {
  return {
    site: 'website',
    person: 'one',
    events: markers.map((marker) => ({
      marker,
      age: 0,
      reason: marker.startsWith('x') ? 'event.unknown' : null,
    })),
    status: 204,
    body: '',
    headers: {},
    sentAt: AT,
    until: AT + 5,
    acknowledged: true,
    ...rest,
  }
}

function rows(...markers: readonly string[]): StoredRow[] {
  return markers.map((marker) => ({ marker, site: 'website', hour: HOUR, person: '2026-11-05 p' }))
}

function ledger(accepted: number, dropped: Record<string, number> = {}): LedgerRow[] {
  const received = Object.values(dropped).reduce((sum, count) => sum + count, accepted)
  return [{ hour: HOUR, received, accepted, dropped }]
}

t.test('what was answered and is there once is right', async (t) => {
  t.same(judge([sent(['a', 'b', 'x'])], rows('a', 'b'), ledger(2, { 'event.unknown': 1 })), [])
})

t.test('what had no answer may be there or not, but whole', async (t) => {
  const unanswered = sent(['a', 'b', 'x'], { acknowledged: false })
  t.same(judge([unanswered], [], []), [])
  t.same(judge([unanswered], rows('a', 'b'), ledger(2, { 'event.unknown': 1 })), [])
  t.same(judgeRows([unanswered], rows('a')), ['torn apart: 1 of 2 events of a beacon without an answer'])
  t.not(judgeLedger([unanswered], [], ledger(0, { 'event.unknown': 1 })).length, 0)
})

t.test('a loss, a double, an invention and a wrong place are each found', async (t) => {
  t.same(judgeRows([sent(['a', 'b'])], rows('a')), ['lost: 1 of 2 events of a beacon that had its 204'])
  t.same(judgeRows([sent(['a'])], rows('a', 'a')), ['more than once: a 2 times'])
  t.same(judgeRows([sent(['a'])], rows('a', 'c')), ['invented: c'])
  t.same(judgeRows([sent(['a', 'x'])], rows('a', 'x')), ['invented: x'])
  t.same(judgeRows([sent(['a'], { status: 400, acknowledged: false })], rows('a')), ['invented: a'])
  t.same(judgeRows([sent(['a'], { site: 'erp' })], rows('a')), [`site or hour is wrong: a at ${HOUR}`])
})

t.test('a second pseudonym of a person is found', async (t) => {
  const other = { ...rows('b')[0], person: '2026-11-05 q' } as StoredRow
  const tomorrow = { ...rows('b')[0], person: '2026-11-06 q' } as StoredRow
  t.same(judgePseudonyms([sent(['a', 'b'])], [...rows('a'), other]), [
    'more than one pseudonym of a person: one on 2026-11-05: 2',
  ])
  t.same(judgePseudonyms([sent(['a', 'b'])], [...rows('a'), tomorrow]), [])
})

t.test('a ledger that is one off is found, in whatever direction', async (t) => {
  const beacons = [sent(['a', 'b', 'x'])]
  for (const accepted of [1, 3]) {
    t.same(judgeLedger(beacons, rows('a', 'b'), ledger(accepted, { 'event.unknown': 1 })), [
      `ledger: ${HOUR} accepted: ${accepted}, not 2 to 2`,
    ])
  }
  t.not(judgeLedger(beacons, rows('a', 'b'), ledger(2)).length, 0)
  t.not(judgeLedger(beacons, rows('a', 'b'), ledger(2, { 'event.unknown': 2 })).length, 0)
  t.not(judgeLedger(beacons, rows('a', 'b'), ledger(2, { 'event.unknown': 1, late: 1 })).length, 0)
  t.not(
    judgeLedger(beacons, rows('a', 'b'), [
      { ...ledger(2, { 'event.unknown': 1 })[0], received: 4 } as LedgerRow,
    ]).length,
    0,
  )
})

t.test('of an unanswered beacon that was dropped whole, the ledger may know or not', async (t) => {
  const unanswered = sent(['x', 'xx'], { acknowledged: false })
  t.same(judgeLedger([unanswered], [], []), [])
  t.same(judgeLedger([unanswered], [], ledger(0, { 'event.unknown': 2 })), [])
  t.not(judgeLedger([unanswered], [], ledger(0, { 'event.unknown': 3 })).length, 0)
})
