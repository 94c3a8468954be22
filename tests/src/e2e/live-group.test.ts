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

async function rowsOf(fleet: Fleet, start: number): Promise<readonly LiveRow[]> {
  let rows: readonly LiveRow[] = []
  await until('the window is told', async () => {
    rows = liveRowsOf(await query(fleet, LIVE_ROWS))
    return rows.length === 2 && rows.every(([, at]) => at === start / SECOND)
  })
  return rows
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
    const send = async (name: string, people: readonly number[], devices: number): Promise<void> => {
      t.same(Object.keys(await sendMoment({ setting, origins, people, devices, name })), ['204'])
    }
    await until('there is an owner', () => aggregators.some((one) => ownedSince(one) !== ''))
    await reach(fleet, START)

    const before = await endsOf(fleet)
    await send('first', [8, 8, 8, 8, 9], 23)
    const after = await endsOf(fleet)
    t.equal(after.length, PARTITIONS)
    t.ok(
      after.every((end, part) => end > (ends[part] ?? 0)),
      'each partition has some of them',
      { ends, after },
    )
    await reach(fleet, START + WINDOW)
    t.same(await rowsOf(fleet, START), [
      ['now_pages', START / SECOND, 20],
      ['now_screens', START / SECOND, 40],
    ])

    const [owner] = owners().toReversed()
    const other = aggregators.find((one) => one !== owner)
    await send('second', [5, 5, 5, 5, 5], 9)
    await owner?.end('SIGKILL')
    const said = other?.output().length ?? 0
    await until('the other takes over', () => OWNS.test(other?.output().slice(said) ?? ''))
    await send('third', [1, 1, 1, 1, 1], 2)
    await reach(fleet, START + 2 * WINDOW)
    const second = START + WINDOW
    t.same(
      await rowsOf(fleet, second),
      [
        ['now_pages', second / SECOND, 10],
        ['now_screens', second / SECOND, 30],
      ],
      'also of the window in which it took over',
    )
  },
)
