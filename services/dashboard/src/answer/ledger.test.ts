import { CHOICE_REASONS, TECHNICAL_REASONS, rfc3339 } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { isClosedHour, ledgerAnswer } from './ledger.js'

t.test('whatever is dropped, the ledger shows one refused for all choices and its sums hold', async (t) => {
  const reason = fc.constantFrom(...CHOICE_REASONS, ...TECHNICAL_REASONS)
  const counts = fc.dictionary(reason, fc.nat({ max: 1_000 }))
  const choices: ReadonlySet<string> = new Set(CHOICE_REASONS)
  fc.assert(
    fc.property(counts, (dropped) => {
      const total = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      const [row] = ledgerAnswer([
        { hour: '2026-11-01T10:00:00Z', received: total, accepted: 0, dropped },
      ]).rows
      const shown = Object.entries(row?.dropped ?? {})
      return (
        shown.every(([name, count]) => !choices.has(name) && count > 0) &&
        shown.reduce((sum, [, count]) => sum + count, 0) === total
      )
    }),
  )
  t.pass('held in every run')
})

t.test('an hour is closed once its day has ended and lateness has passed', async (t) => {
  const hour = Date.parse('2026-11-01T03:00:00Z')
  const end = Date.parse('2026-11-02T01:00:00Z')
  t.equal(isClosedHour(hour, end - 1, 3_600_000), false)
  t.equal(isClosedHour(hour, end, 3_600_000), true)
  const rows = [hour, end].map((time) => ({ hour: rfc3339(time), received: 1, accepted: 1, dropped: {} }))
  t.equal(ledgerAnswer(rows).rows.length, 2, 'on the machine itself every hour is shown')
  t.equal(ledgerAnswer(rows, { now: end, latenessMs: 3_600_000 }).rows.length, 1)
})
