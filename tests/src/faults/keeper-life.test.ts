/**
 * Thirty simulated days of operation on one directory, in real processes: twenty clean restarts (the full form gives
 * each a process of its own), and a SIGKILL at every named point of a root's creation, closing and destruction and of
 * a head's signing (support/keeper-life/). However often the keeper dies, no epoch has two roots, no root outlives its
 * deadline while a keeper runs, and no event is accepted without a root.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedHead } from '@tacit/audit-log'
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { seededChance, testSeed } from '../support/crash/setting.js'
import { type Evidence, readEvidence } from '../support/keeper-life/evidence.js'
import {
  judgeDisk,
  judgeHeld,
  judgeKeys,
  judgeRecord,
  judgeRows,
  judgeTicks,
} from '../support/keeper-life/judge.js'
import { type Life, Lives } from '../support/keeper-life/lives.js'
import { DAYS, type Interruption, plan, POINTS, RESTARTS, START } from '../support/keeper-life/plan.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const SEEDS = isFull ? 3 : 1
const PACE = isFull ? { checkMs: MINUTE, beaconMs: 10 * MINUTE } : { checkMs: 5 * MINUTE, beaconMs: 6 * HOUR }
const END = START + DAYS * DAY
/** When the last root must be dead: a month's, held for a day. */
const LAST_DEATH = Date.parse('2027-02-04T00:00:00Z')
/** A point that is not reached within this time of its day never is. */
const REACHED_WITHIN = 16 * HOUR

// The runner has a limit for the file.
t.setTimeout(0)

interface Run {
  readonly lives: readonly Life[]
  readonly last: Evidence
  readonly killed: readonly string[]
}

async function live(t: Test, root: string, interruptions: readonly Interruption[]): Promise<Run> {
  const dir = join(root, 'data')
  mkdirSync(dir, { recursive: true })
  const processes = new Lives(!isFull)
  t.teardown(() => processes.close())
  const lives: Life[] = []
  const heads: SignedHead[] = []
  const killed: string[] = []
  const look = (life: Life, name: string): Evidence => {
    const evidence = readEvidence(dir, heads)
    if (evidence.head !== null) heads.push(evidence.head)
    const half = life.signal === 'SIGKILL' && name.includes('half')
    t.same(
      half ? evidence.findings.filter((code) => code !== 'unfinished') : evidence.findings,
      [],
      `the log verifies after ${name}`,
    )
    t.same(judgeDisk(evidence, life), [], `disk and record agree after ${name}`)
    return evidence
  }
  let from = START
  for (const { at, downMs, kill } of interruptions) {
    const name = kill === null ? 'a restart' : `${kill.point} of ${kill.kind ?? 'a head'}`
    const killAt = kill === null ? null : { ...kill, from: at }
    const life = await processes.live({
      dir,
      from,
      until: at + (kill === null ? 0 : REACHED_WITHIN),
      ...PACE,
      killAt,
    })
    lives.push(life)
    const reached = life.reports.find(({ r }) => r === 'reached')
    t.equal(life.signal, kill === null ? null : 'SIGKILL', `${name}: ${life.errors}`)
    t.equal(life.isWhole, kill === null, `${name}: ${life.errors}`)
    t.equal(reached?.r === 'reached' ? reached.point : undefined, kill?.point, `it came to ${name}`)
    if (kill !== null) killed.push(kill.point)
    look(life, name)
    from = life.end + downMs
  }
  const order = { dir, killAt: null }
  const thirtieth = await processes.live({ ...order, from, until: END, ...PACE })
  // A kill at the last midnight is followed by hours without a keeper.
  const after = Math.ceil(thirtieth.end / HOUR) * HOUR
  lives.push(thirtieth)
  lives.push(
    await processes.live({ ...order, from: after, until: LAST_DEATH, checkMs: HOUR, beaconMs: null }),
  )
  for (const life of lives.slice(-2)) t.ok(life.isWhole, life.errors)
  return { lives, last: look(lives.at(-1) as Life, 'the end'), killed }
}

const some = (findings: readonly string[]): readonly string[] => findings.slice(0, 20)

const first = testSeed()
for (let at = 0; at < SEEDS; at++) {
  const seed = first + at
  t.test(
    'no death of the keeper makes a second root, lets one outlive its time, or accepts without one',
    async (t) => {
      t.comment(`TACIT_TEST_SEED=${seed}`)
      const interruptions = plan(seededChance(seed))
      t.equal(interruptions.filter(({ kill }) => kill === null).length, RESTARTS)
      const { killed, last, lives } = await live(t, t.testdir(), interruptions)
      t.same(killed.toSorted(), POINTS.toSorted(), 'each named point killed it once')
      t.ok(killed.length >= 20, `killed ${killed.length} times`)
      const kinds = new Set(interruptions.flatMap(({ kill }) => kill?.kind ?? []))
      t.ok(['day', 'week', 'month', 'hour'].filter((kind) => kinds.has(kind as 'day')).length >= 3)

      t.same(
        some(judgeKeys(lives, last.entries)),
        [],
        'one key for each (epoch, scope), and none out of its time',
      )
      t.same(some(judgeRecord(last.entries, lives)), [], 'each root was made once, and died in time')
      const accepted = judgeRows(lives, last.entries)
      t.same(some(accepted.findings), [], 'every accepted event has a root on record that was open then')
      t.same(judgeTicks(lives), [], 'no root was lost, no destruction failed')
      t.same(last.files, [], 'of past epochs nothing is left')
      t.ok(accepted.rows > 1_000, `${accepted.rows} rows`)
      t.ok(accepted.late > 10, `${accepted.late} late`)
      t.same(judgeHeld(lives, last.entries), [], 'a root whose counts do not add up is held')
      t.ok(
        last.entries.some(({ action }) => action === 'key.held'),
        'control: some were',
      )
    },
  )
}
