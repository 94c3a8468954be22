/**
 * The end of a day in a whole deployment (faults.md V1): beacons around midnight UTC on two collectors, with events of
 * both days in one batch, land in the epoch of each event under its pseudonym of that epoch, and the day's last hour
 * settles while beacons of the new day come.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip } from '@tacit/event-log/testing'
import t from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { judgeMidnight } from '../support/crash/midnight.js'
import { judge } from '../support/crash/oracle.js'
import { seededChance, testSeed } from '../support/crash/setting.js'
import { startFleet } from '../support/fleet/fleet.js'
import { holdingsOf, openShared } from '../support/fleet/holdings.js'
import { startPacedLoad } from '../support/fleet/paced-load.js'
import { untilArrived } from '../support/fleet/verdict.js'

const skip =
  process.env['TACIT_TEST_FULL'] === '1'
    ? await brokersSkip()
    : 'day-boundary does it on one machine: npm run test:full'
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MIDNIGHT = (Math.floor(Date.now() / DAY) + 1) * DAY
/** Events are at most so old: those of just after midnight are of both days. */
const AGES = 20 * SECOND
const RATE = 60
const SETTLES_WITHIN_MS = 60_000

// The runner has a limit for the file.
t.setTimeout(0)

// Not the test's own folder: that is gone before its processes are.
const root = mkdtempSync(join(tmpdir(), 'tacit-night-'))
t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

t.test('V1: an epoch rolls over in the middle of batches, on two collectors', { skip }, async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${String(seed)}`)
  const fleet = await startFleet({
    dir: join(root, 'fleet'),
    nodes: 1,
    collectors: 2,
    aggregators: 2,
    startAt: MIDNIGHT - 10 * MINUTE,
  })
  t.teardown(() => fleet.stop())
  const { now, origins, setting } = fleet
  fleet.setClock(MIDNIGHT - 8 * SECOND)
  // Every process has read the clock's file by then.
  await sleep(2 * SECOND)
  const sent: SentBeacon[] = []
  const source = createBeaconSource(setting, seededChance(seed), { ages: AGES })
  const load = startPacedLoad({ origins, source, sent, rate: RATE, now })
  while (now() < MIDNIGHT + 6 * SECOND) await sleep(50)
  for (const origin of origins) t.equal((await fetch(`${origin}/readyz`)).status, 200, 'it is ready')
  await load.stop()
  t.same(load.wrong, [], 'each answer is the right one')
  t.equal((load.answers.get(503) ?? 0) + (load.answers.get(0) ?? 0), 0, 'no beacon is refused')
  t.ok(await untilArrived(fleet, sent), 'what was promised arrives')

  const shared = await openShared(fleet, join(root, 'shared'))
  t.teardown(() => shared.close())
  const { state } = shared
  const end = performance.now() + SETTLES_WITHIN_MS
  const isSettled = (): boolean => state.watermark >= MIDNIGHT && state.receiptHours(MIDNIGHT).length === 0
  while (!isSettled() && performance.now() < end) await sleep(100)
  t.ok(isSettled(), 'the last hour of the day is settled')
  const { landing, staging } = await holdingsOf(fleet)
  t.ok(staging.length > 0 && landing.length > 0, 'the first hour of the next one is not')
  const rows = [...landing, ...staging]
  // What is in landing is counted when the owner has read its report.
  while (judge(sent, rows, shared.ledger()).length > 0 && performance.now() < end) await sleep(200)
  t.same(judge(sent, rows, shared.ledger()), [], 'every obligation is met')
  const { findings, inBoth, torn } = judgeMidnight(sent, rows, MIDNIGHT)
  t.same(findings, [])
  t.ok(inBoth > 5, `${String(inBoth)} people were seen on both days`)
  t.ok(torn > 5, `${String(torn)} beacons, each in one batch, brought events of both days`)
})
