/**
 * The people of the last five minutes on real brokers: two collectors, two aggregators, three partitions. The owner counts
 * the people of all partitions, also of those that the other one reads; when it dies the other goes on.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaLog } from '@tacit/event-log'
import { brokersSkip } from '@tacit/event-log/testing'
import t from 'tap'
import { type Fleet, startFleet } from '../support/fleet/fleet.js'
import type { Member } from '../support/fleet/member.js'
import { LIVE_ROWS, type LiveRow, liveRowsOf, sendMoment } from '../support/minutes.js'
import { query } from '../support/server-query.js'

const skip = await brokersSkip()
const SECOND = 1_000
const MINUTE = 60 * SECOND
const WINDOW = 5 * MINUTE
const HOUR = 60 * MINUTE
const START = Math.floor(Date.now() / HOUR) * HOUR + 20 * MINUTE
const PARTITIONS = 3
/** with the time at which it is said */
const OWNS = /(\S+Z) this aggregator is the owner now/g
/** a dead member is given up, the other takes over, and on a busy machine nothing is quick */
const PATIENCE_MS = 90_000
const TOLD_WITHIN_MS = 20_000
const MOST_WINDOWS = 4

t.setTimeout(0)
// Not the test's own folder: that is gone before its processes are.
const root = mkdtempSync(join(tmpdir(), 'tacit-live-'))
t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not in time`)
    await sleep(50)
  }
}

/** Until a time has come on every process's clock, of which only the end passes. */
async function reach({ now, setClock }: Fleet, time: number): Promise<void> {
  if (now() < time - 2 * SECOND) setClock(time - 2 * SECOND)
  while (now() < time + 2 * SECOND) await sleep(20)
}

/**
 * What is told of the window from `start` on; null where nothing is, or no numbers: on a busy machine a group may be taking
 * in a member just then, or an end is noted too late.
 */
async function toldOf(fleet: Fleet, start: number): Promise<readonly LiveRow[] | null> {
  const end = performance.now() + TOLD_WITHIN_MS
  while (performance.now() < end) {
    const rows = liveRowsOf(await query(fleet, LIVE_ROWS))
    if (rows.length === 2 && rows.every(([, at]) => at === start / SECOND))
      return rows.some(([, , users]) => users !== null) ? rows : null
    await sleep(50)
  }
  return null
}

/** Whether a process says that it takes part. */
async function isReady(member: Member): Promise<boolean> {
  const health = /"health":"([^"]+)"/.exec(member.output())?.[1] ?? ''
  return fetch(`${health}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )
}

/** When a process last said that it is the owner; '' where it never did. */
function ownedSince(member: Member | undefined): string {
  return [...(member?.output() ?? '').matchAll(OWNS)].at(-1)?.[1] ?? ''
}

/** Where each partition of the log ends. */
async function endsOf({ brokers, now }: Fleet): Promise<readonly number[]> {
  const kafka = { ...brokers.access(), prefix: 'tacit', partitions: PARTITIONS, replication: 1 }
  const log = await openKafkaLog({ kafka, clock: { now }, alarm: () => undefined })
  try {
    return (await log.tail().end()).positions
  } finally {
    await log.close()
  }
}

t.test(
  'the owner counts the people of all partitions, and after its death the other goes on',
  { skip },
  async (t) => {
    const fleet = await startFleet({
      dir: join(root, 'fleet'),
      nodes: 1,
      collectors: 2,
      aggregators: 2,
      startAt: START - MINUTE,
      env: { TACIT_KAFKA_PARTITIONS: String(PARTITIONS) },
    })
    t.teardown(() => fleet.stop())
    const { aggregators, origins, setting } = fleet
    let window = START
    let sent = 0
    /** Sends people in the window that runs. */
    const send = async (people: readonly number[], devices: number): Promise<void> => {
      const name = `n${String(sent++)}`
      t.same(Object.keys(await sendMoment({ setting, origins, people, devices, name })), ['204'])
    }
    /** Ends windows, each after the same people came, until one is told. */
    const told = async (come: () => Promise<void>): Promise<readonly (number | null)[]> => {
      for (let tries = 0; tries < MOST_WINDOWS; tries++) {
        await come()
        const start = window
        window += WINDOW
        await reach(fleet, window)
        const rows = await toldOf(fleet, start)
        if (rows !== null) return rows.map(([, , users]) => users)
      }
      const said = aggregators.map((one) => `--- ${one.name}\n${one.output()}`).join('\n')
      throw new Error(`no window is told\n${said}`)
    }
    await until('there is an owner', () => aggregators.some((one) => ownedSince(one) !== ''))
    await until('both take part', async () => (await Promise.all(aggregators.map(isReady))).every(Boolean))
    await reach(fleet, START)

    const ends = await endsOf(fleet)
    const [devices, people] = await told(() => send([8, 8, 8, 8, 9], 23))
    t.same({ devices, people }, { devices: 20, people: 40 })
    const after = await endsOf(fleet)
    t.equal(after.length, PARTITIONS)
    t.ok(
      after.every((end, part) => end > (ends[part] ?? 0)),
      'each partition had some of them',
      { ends, after },
    )

    const [owner, other] = aggregators.toSorted((a, b) => (ownedSince(a) < ownedSince(b) ? 1 : -1))
    const before = ownedSince(other)
    const rest = await told(async () => {
      await send([5, 5, 5, 5, 5], 9)
      if ((await owner?.end('SIGKILL')) === true)
        await until('the other takes over', () => ownedSince(other) > before)
      await send([1, 1, 1, 1, 1], 2)
    })
    t.same(rest, [10, 30], 'the other one tells them, also of the window in which it took over')
  },
)
