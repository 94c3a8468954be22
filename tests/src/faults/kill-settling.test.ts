/**
 * SIGKILL while an hour settles, a day is released and its partition goes (faults.md P5–P8 of the second way, C24).
 * Each point on a copy of its own, brought to its end afterwards: rows are in staging once, and what is released is
 * the same as without the kill.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { expectDeath, type KillAt, startAdvance, startUp } from '../support/crash/instance.js'
import { startLoad } from '../support/crash/load.js'
import { judge, judgeRows } from '../support/crash/oracle.js'
import { createSetting, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores, rootsByLabel, type Stored } from '../support/crash/stores.js'

const HOUR = 3_600_000
const DAY = 86_400_000
const BEACONS = 300
/** of the rulebook in setting.ts */
const MIN_USERS = 10
const RANDOM_KILLS = process.env['TACIT_TEST_FULL'] === '1' ? 15 : 2
/** Longer than any of these takes undisturbed. */
const LONGEST_MS = 1_200

type Points = readonly (readonly [string, KillAt])[]

const SETTLING: Points = [
  ['before rows move to staging', { point: 'settle.before' }],
  ['while rows move to staging', { point: 'settle.sent' }],
  ['after rows moved to staging', { point: 'settle.after' }],
  ['before landing is dropped', { point: 'drop-landing.before' }],
  ['while landing is dropped', { point: 'drop-landing.sent' }],
  ['after landing was dropped', { point: 'drop-landing.after' }],
  ['while the hour is marked as settled', { point: 'drop-landing.after', afterMs: 5 }],
]

const RELEASING: Points = [
  ['while rows are cleaned', { point: 'clean.sent' }],
  ['C24 before cells are inserted', { point: 'cells.before' }],
  ['C24 while cells are inserted', { point: 'cells.sent' }],
  ['C24 after the cells of one statistic', { point: 'cells.after' }],
]

const DROPPING: Points = [
  ['while the partition is dropped', { point: 'drop-epoch.sent' }],
  ['after the partition was dropped', { point: 'drop-epoch.after' }],
]

// The runner has a limit for the file.
t.setTimeout(0)

/** A directory with beacons of this hour, at rest, and what was sent. */
async function prepare(root: string, seed: number): Promise<{ dir: string; sent: SentBeacon[] }> {
  const dir = join(root, 'data')
  const setting = createSetting(join(root, 'setting'))
  const instance = startUp({ dir, ...setting })
  const ready = await instance.ready
  if (ready === null) throw new Error(`not ready: ${instance.output()}`)
  const sent: SentBeacon[] = []
  const source = createBeaconSource(setting, seededChance(seed))
  const load = startLoad({ origin: ready.origin, source, sent, most: BEACONS })
  while (load.answered < BEACONS && !instance.hasEnded()) await sleep(10)
  await load.stop()
  instance.kill('SIGTERM')
  await instance.exited
  return { dir, sent }
}

interface Way {
  readonly name: string
  readonly from: string
  readonly points: Points
  /** ms, where the clock goes */
  readonly time: number
  readonly seed: number
  /** what must hold in the end, killed or not */
  holds(t: Test, stored: Stored): void
}

/** Goes the way on copies, dying at each point and at random, then once undisturbed on the directory itself. */
async function goThrough(t: Test, { from, holds, name, points, seed, time }: Way): Promise<Stored> {
  const copy = `${from}-copy`
  const onCopy = async (title: string, die: (t: Test) => Promise<void>) => {
    cpSync(from, copy, { recursive: true })
    await t.test(title, async (t) => {
      await die(t)
      holds(t, await readStores(copy, time, true))
      t.same(
        [...rootsByLabel(copy)].filter(([, { opened }]) => opened > 1),
        [],
        'nothing ever had two roots',
      )
    })
    rmSync(copy, { recursive: true, force: true })
  }
  for (const [title, killAt] of points) {
    await onCopy(`killed ${title}`, (t) => expectDeath(t, startAdvance(copy, [time], killAt), killAt))
  }
  await onCopy(`killed ${RANDOM_KILLS} times at random while it is ${name}`, async (t) => {
    const chance = seededChance(seed)
    for (let at = 0; at < RANDOM_KILLS; at++) {
      const instance = startAdvance(copy, [time])
      await sleep(chance.between(0, LONGEST_MS))
      instance.kill('SIGKILL')
      const { code, signal } = await instance.exited
      t.ok(signal === 'SIGKILL' || code === 0, 'it was killed, or was done')
    }
  })
  const undisturbed = await readStores(from, time, true)
  holds(t, undisturbed)
  return undisturbed
}

/** Each statistic has one cell, `(other)`, that counts every person and event of its site and day. */
function cellsOf(rows: Stored['staging'], date: string): Stored['cells'] {
  return (
    [
      ['pages', 'website'],
      ['screens', 'erp'],
    ] as const
  ).map(([statistic, site]) => {
    const ofSite = rows.filter((row) => row.site === site && row.person.startsWith(date))
    const people = new Set(ofSite.map(({ person }) => person)).size
    // A pool's people are floored to steps of min_users.
    const users = people - (people % MIN_USERS)
    return { statistic, windowStart: Date.parse(date), dims: ['(other)'], users, events: ofSite.length }
  })
}

t.test('killed while an hour settles and its day is released, each row counts once', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const { dir, sent } = await prepare(t.testdir(), seed)
  const first = await readStores(dir, Date.now(), true)
  t.same(judge(sent, [...first.landing, ...first.staging], first.ledger), [])

  const settled = await goThrough(t, {
    name: 'settled',
    from: dir,
    points: SETTLING,
    time: (Math.floor(Date.now() / HOUR) + 1) * HOUR,
    seed,
    holds: (t, { landing, ledger, staging }) => {
      t.same(judgeRows(sent, staging), [], 'each row is in staging once')
      t.same(landing, [], 'landing is empty')
      t.same(ledger, first.ledger, 'the ledger is the same')
    },
  })

  const [epoch = ''] = Object.keys(settled.windows).slice(-1)
  const date = epoch.slice('day:'.length)
  const cells = cellsOf(settled.staging, date)
  const released = await goThrough(t, {
    name: 'released',
    from: dir,
    points: RELEASING,
    time: Date.parse(date) + DAY + HOUR,
    seed,
    holds: (t, stored) => {
      t.match(stored.windows[epoch], { status: 'released', reconciled: true })
      const found = stored.cells.filter(({ windowStart }) => windowStart === Date.parse(date))
      t.same(found, cells, 'released once, and complete')
    },
  })

  await goThrough(t, {
    name: 'dropped',
    from: dir,
    points: DROPPING,
    time: Date.parse(date) + 3 * DAY,
    seed,
    holds: (t, stored) => {
      t.same(stored.staging, [], 'with its root the partition is gone')
      t.same(stored.cells, released.cells, 'what was released stays as it was')
      t.same(stored.windows[epoch]?.status, 'released')
    },
  })
})
