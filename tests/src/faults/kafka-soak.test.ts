/**
 * A slice of the soak of `npm run test:faults`: load comes and goes, each time over new connections, and what is left of it
 * once all has landed is no descriptor and no timer more than after the first time. What takes minutes to see, the heap,
 * the resident memory and the spool, is the soak's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip } from '@tacit/event-log/testing'
import t from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { startLoad } from '../support/crash/load.js'
import { seededChance, testSeed } from '../support/crash/setting.js'
import { startFleet } from '../support/fleet/fleet.js'
import { heldBy, untilNoMore } from '../support/fleet/rest.js'
import { untilArrived } from '../support/fleet/verdict.js'

const PHASES = process.env['TACIT_TEST_FULL'] === '1' ? 40 : 5
/** of each phase, on each collector */
const BEACONS = 200

// The runner has a limit for the file.
t.setTimeout(0)

// Not the test's own folder: that is gone before its processes are.
const root = mkdtempSync(join(tmpdir(), 'tacit-soak-'))
t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

t.test('load that comes and goes leaves nothing behind', { skip: await brokersSkip() }, async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${String(seed)}`)
  const dir = join(root, 'fleet')
  const fleet = await startFleet({ dir, nodes: 1, collectors: 2, aggregators: 2, vitals: true })
  t.teardown(() => fleet.stop())
  const source = createBeaconSource(fleet.setting, seededChance(seed))
  const sent: SentBeacon[] = []

  async function phase(): Promise<void> {
    const loads = fleet.origins.map((origin) =>
      startLoad({ origin, source, sent, most: Number.MAX_SAFE_INTEGER }),
    )
    while (loads.some(({ answered }) => answered < BEACONS)) await sleep(10)
    await Promise.all(loads.map((load) => load.stop()))
    t.same(
      loads.flatMap(({ wrong }) => wrong),
      [],
      'each answer is the right one',
    )
    t.ok(await untilArrived(fleet, sent), 'what was promised arrives')
  }

  await phase()
  const before = await heldBy(fleet, dir)
  for (let number = 1; number < PHASES; number++) await phase()
  const { held, more } = await untilNoMore(fleet, dir, before)
  t.same(more, [])
  t.ok(held.size > 0 && sent.length >= PHASES * BEACONS * 2)
  t.comment(
    [...held].map(([name, count]) => `${name} ${String(before.get(name))} → ${String(count)}`).join(', '),
  )
})
