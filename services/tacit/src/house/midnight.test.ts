/** A change that holds from midnight, on real stores: what the former rulebook kept is released by it, whole. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseAddress } from '@tacit/anonymizer'
import { DAY, DrivenClock, HOUR, MINUTE, rfc3339 } from '@tacit/contracts'
import { RulebookRegister } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import t from 'tap'
import { planActivation } from './activation.js'
import { openHouse } from './house.js'
import { ERP_RULEBOOK } from './layout.js'
import { archiveRulebook, readRulebook, requireRulebook, storeRulebook } from './rulebook-files.js'
import { settleRegister } from './rulebook-register.js'
import { RulebookSwitch } from './rulebook-switch.js'

const dir = mkdtempSync(join(tmpdir(), 'tacit-midnight-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
const MIDNIGHT = Date.UTC(2026, 11, 3)

function variant(name: string, ...changes: readonly (readonly [string, string])[]): Rulebook {
  const folder = join(dir, name)
  cpSync(dirname(ERP_RULEBOOK), folder, { recursive: true })
  const file = join(folder, 'rulebook.yaml')
  let text = readFileSync(file, 'utf8')
  for (const [before, after] of changes) {
    if (!text.includes(before)) throw new Error(`not there: ${before}`)
    text = text.replace(before, after)
  }
  writeFileSync(file, text)
  return requireRulebook(readRulebook(file), name)
}

t.test('a day is released by the rulebook that ruled it, with the columns that it kept', async (t) => {
  const byDay = [
    'window: week\n    where: { kind: device }\n    by: [app_version, model_class]',
    'window: day\n    where: { kind: device }\n    by: [app_version]',
  ] as const
  const before = variant('before', byDay)
  // A dimension goes, a statistic goes: a tightening of what is published, from midnight on.
  const after = variant('after', byDay, [
    `  apps:
    site: erp
    title: App versions
    window: day
    where: { kind: device }
    by: [app_version]
    measures: [users]
`,
    '',
  ])
  const house = await openHouse(join(dir, 'data'))
  const clock = new DrivenClock(MIDNIGHT - 2 * HOUR)
  try {
    const layout = house.layout.realm('main')
    storeRulebook(layout.rulebook, before)
    settleRegister(layout, before, clock)
    const realm = await house.openRealm({ layout, rulebook: before, clock, ratePerToken: 1e9 })
    let id = 0
    const send = async (age = 0): Promise<void> => {
      for (let person = 0; person < 40; person++) {
        const event = {
          id: `e${String(id++)}`,
          name: 'app_start',
          age,
          path: '/',
          props: { app_version: '8.2.0' },
        }
        await realm.intake.take(
          { v: 1, site: 'erp', events: [event] },
          {
            source: 'beacon',
            address: parseAddress('203.0.113.7'),
            userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
            origin: 'https://erp.example.in',
            gpc: false,
            dnt: false,
            claims: {
              tenant: `t-${String(person % 4)}`,
              standing: 'established',
              sub: `person-${String(person)}`,
              adult: true,
              region: 'in',
              consent: { analytics: 'granted', policy: '2026-11-01', at: rfc3339(clock.now() - DAY) },
            },
          },
        )
      }
      await realm.commit.drain()
    }
    await send()
    const register = RulebookRegister.open(layout.register)
    archiveRulebook(layout.archive, after)
    const plan = planActivation({
      action: 'rollback',
      current: before,
      next: after,
      entries: register.entries(),
      archived: () => after,
      approvers: () => new Map(),
      signatures: [],
      now: clock.now(),
    })
    t.equal(plan.takesEffect, MIDNIGHT)
    register.append(plan.record, clock.now())
    const change = new RulebookSwitch({
      realm,
      clock,
      approvers: () => new Map(),
      alarm: (said) => t.fail(said),
    })
    clock.advanceTo(MIDNIGHT - 30_000)
    t.equal(await change.look(), false, 'prepared, and not yet ruling')
    await send()
    clock.advanceTo(MIDNIGHT)
    await send()
    t.equal(realm.rulebook.hash, after.hash, 'the first beacon of the day is decided by the new one')
    t.equal(await change.look(), false)
    clock.advanceTo(MIDNIGHT + 5 * MINUTE)
    await send(10 * MINUTE)
    clock.advanceTo(MIDNIGHT + 2 * HOUR)
    await realm.state.completeUntil(clock.now())
    await realm.aggregator.stage()
    const released = await realm.aggregator.advance(clock.now())
    const apps = released.filter(({ statistic }) => statistic === 'apps')
    t.equal(apps.length, 1, 'the day before has the statistic that it was declared with')
    const cells = await realm.warehouse.queryCells({ statistic: 'apps', window: 'day' })
    t.match(cells, [{ dims: ['8.2.0'], users: 40, rulebook: before.hash }])
    const rows = realm.aggregator.ledger()
    const late = rows.reduce((sum, { dropped }) => sum + (dropped['late'] ?? 0), 0)
    t.equal(late, 40, 'what came of the day before after midnight is late: its window is the former one’s')
    t.equal(
      rows.reduce((sum, { received }) => sum + received, 0),
      160,
      'and nothing is lost',
    )

    clock.advanceTo(MIDNIGHT + DAY + 2 * HOUR)
    await realm.state.completeUntil(clock.now())
    const next = await realm.aggregator.advance(clock.now())
    t.ok(
      next.some(({ statistic }) => statistic === 'devices'),
      'the next day is released by the new one',
    )
    t.notOk(next.some(({ statistic }) => statistic === 'apps'))
    const devices = await realm.warehouse.queryCells({
      statistic: 'devices',
      window: 'day',
      from: '2026-12-03',
    })
    t.same([...new Set(devices.map(({ rulebook }) => rulebook))], [after.hash])

    await realm.aggregator.check(clock.now())
    t.match(realm.aggregator.checks(), [{ id: 'INV-19', ok: true, findings: [] }], 'both by the register')
  } finally {
    await house.close()
  }
})
