import { join } from 'node:path'
import { DAY, DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import { audited, batchKeyOf, logIn, primaryIn, standbyIn, wayTo } from '../testing/pair.js'

const START = Date.parse('2026-08-05T00:00:00Z')

t.test('a fenced keeper signs nothing more, and what it signed before stands', async (t) => {
  const dir = t.testdir()
  const [former, heir] = [join(dir, 'a'), join(dir, 'b')]
  const clock = new DrivenClock(START)
  const more = { standby: { waitMs: 50, silentMs: DAY, holdMs: 0 } }
  const first = await primaryIn(former, clock, more)
  for (const hour of [0, -1, -2, -3]) await batchKeyOf(first, START + hour * HOUR)
  const standby = await standbyIn(heir, clock, wayTo(first))
  while (first.company() !== 'followed') await standby.step()
  await first.audit.sign()
  await standby.close()
  const second = await primaryIn(heir, clock, { promote: { stoppedAt: null } })
  t.ok(await first.fence(second.term()))
  await second.close()
  const { signed } = audited(former)
  // Its keys of four hours die one after the other, and it is started anew in between.
  clock.advanceTo(START + DAY - 3 * HOUR)
  await first.tick()
  await first.close()
  const again = await primaryIn(former, clock, more)
  for (const hours of [2, 1, 0]) {
    clock.advanceTo(START + DAY - hours * HOUR)
    await again.tick()
  }
  await again.close()
  const late = audited(former)
  t.equal(logIn(former).filter((line) => line.startsWith('key.destroyed hour:')).length, 4)
  t.equal(late.signed, signed, 'no head came since')
  t.same(
    late.findings.map(({ code, seq }) => [code, seq]),
    [['unsigned', signed + 1]],
  )
})
