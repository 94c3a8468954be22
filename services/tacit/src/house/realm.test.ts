import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicKey } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyLog } from '@tacit/audit-log'
import { DAY, DrivenClock } from '@tacit/contracts'
import t from 'tap'
import { openHouse } from './house.js'
import { dataLayout, ERP_RULEBOOK } from './layout.js'
import { openRealm } from './realm.js'
import { openRealmKeeper } from './realm-keeper.js'
import { readRulebook, requireRulebook } from './rulebook-files.js'

const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
const alarm = (): void => undefined

t.test('a start that fails leaves nothing unsigned of what its keeper did', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.dir, { recursive: true })
  const clock = new DrivenClock(Date.parse('2026-11-29T10:00:00Z'))
  const first = await openRealmKeeper({ layout, rulebook, clock, alarm })
  await first.port.batchKey(clock.now(), 'ab'.repeat(8), true)
  await first.close()
  clock.advanceTo(clock.now() + DAY)
  writeFileSync(layout.log, 'no folder')
  const server = { url: 'http://127.0.0.1:1', username: 'nobody', password: '' }
  await t.rejects(openRealm({ layout, rulebook, clock, server, ratePerToken: 1, alarm }))
  const file = (name: string): Buffer => readFileSync(join(layout.audit, name))
  const { entries, findings, unsigned } = verifyLog({
    entries: file('entries.ndjson'),
    heads: file('heads.ndjson'),
    publicKey: createPublicKey(file('public.pem')),
  })
  t.same([findings, unsigned], [[], 0])
  t.match(file('entries.ndjson').toString(), /"key\.destroyed"/)
  t.equal(entries, 4, 'made, handed out, and destroyed in two steps')
})

t.test('epochs are opened by the clock, before anybody sends anything', async (t) => {
  const house = await openHouse(t.testdir())
  const clock = new DrivenClock(Date.parse('2026-11-29T10:00:00Z'))
  const layout = house.layout.realm('main')
  const realm = await house.openRealm({ layout, rulebook, clock, ratePerToken: 1 })
  try {
    const look = async (): Promise<readonly string[]> => {
      for (let round = 0; round < 2; round++) {
        realm.prefetch(clock.now())
        await sleep(50)
      }
      return (await realm.keeper.port.epochs('day')).map(({ label }) => label)
    }
    t.same(await look(), ['day:2026-11-29'])
    clock.advanceTo(Date.parse('2026-11-29T23:49:59Z'))
    t.same(await look(), ['day:2026-11-29'])
    clock.advanceTo(Date.parse('2026-11-29T23:50:00Z'))
    t.same(await look(), ['day:2026-11-29', 'day:2026-11-30'], 'the next one too')
    clock.advanceTo(Date.parse('2026-11-30T23:50:00Z'))
    t.same(
      await look(),
      ['day:2026-11-29', 'day:2026-11-30', 'day:2026-12-01'],
      'and so on, though nothing comes',
    )
  } finally {
    await realm.close()
    await house.close()
  }
})
