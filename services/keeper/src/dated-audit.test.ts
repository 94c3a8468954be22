import { DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import { audited, batchKeyOf, primaryIn } from './testing/pair.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const BOOT = {
  actor: 'up',
  rulebook: null,
  action: 'boot',
  object: { service: 'up', version: '0.1.0' },
} as const

t.test('the first entry of a log is signed at once, whoever wrote it', async (t) => {
  const dir = t.testdir()
  const keeper = await primaryIn(dir, new DrivenClock(START))
  await keeper.audit.record([BOOT])
  t.match(audited(dir), { ok: true, entries: 1, signed: 1 })
  await keeper.close()
})

t.test('after a pause the rest is signed before anything more is written', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START)
  const keeper = await primaryIn(dir, clock)
  await batchKeyOf(keeper, START)
  await keeper.audit.record([BOOT])
  for (const [hours, signed] of [
    [1.4, 2],
    [6, 4],
  ] as const) {
    clock.advanceTo(START + hours * HOUR)
    await keeper.audit.record([BOOT])
    t.match(audited(dir), { ok: true, signed })
  }
  await keeper.close()
})
