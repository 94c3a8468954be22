/**
 * `kill -9` at random moments under load: five seeded rounds every day, fifty in the full suite. Each run prints its
 * seed; TACIT_TEST_SEED plays it again.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type BeaconSource, createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import {
  type Instance,
  processesNaming,
  SEES_PROCESSES,
  startAdvance,
  startUp,
  startVerb,
} from '../support/crash/instance.js'
import { startLoad } from '../support/crash/load.js'
import { judge, judgeRows } from '../support/crash/oracle.js'
import { type Chance, createSetting, type Setting, seededChance, testSeed } from '../support/crash/setting.js'
import { type LedgerRow, readStores, rootsByLabel } from '../support/crash/stores.js'

const HOUR = 3_600_000
const ROUNDS = process.env['TACIT_TEST_FULL'] === '1' ? 50 : 5
const MOST_BEACONS_A_ROUND = 4_000
/** A restart may wait for the killed run's ClickHouse to finish its query. */
const READY_WITHIN_MS = 20_000
const ORPHAN_WITHIN_MS = 10_000

// The runner has a limit for the file.
t.setTimeout(0)

/** `boot`: before it is ready. `early`: just after. `load`: while it stages. `clickhouse`: the child first. */
type Moment = 'boot' | 'early' | 'load' | 'clickhouse'
const MOMENTS: readonly Moment[] = ['load', 'clickhouse', 'boot', 'early', 'load', 'load']

interface Run {
  readonly t: Test
  readonly dir: string
  readonly setting: Setting
  readonly chance: Chance
  readonly source: BeaconSource
  readonly sent: SentBeacon[]
  readonly readyMs: number[]
}

async function readyOrigin({ readyMs, t }: Run, instance: Instance): Promise<string> {
  const ready = await Promise.race([instance.ready, sleep(READY_WITHIN_MS, null, { ref: false })])
  if (ready === null) {
    instance.kill('SIGKILL')
    throw new Error(`not ready: ${instance.output()}`)
  }
  readyMs.push(ready.ms)
  t.ok(ready.ms < READY_WITHIN_MS, 'it becomes ready')
  return ready.origin
}

function up({ dir, setting }: Run): Instance {
  return startUp({ dir, rulebook: setting.rulebook, env: setting.env })
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended first.
    }
  }
}

/** The ClickHouse processes of the directory; an empty list where the system does not show its processes. */
function clickHouseOf(dir: string): number[] {
  return SEES_PROCESSES ? processesNaming(join(dir, 'clickhouse')) : []
}

/** Runs, loads and kills once. @returns processes that must be gone soon */
async function round(run: Run, moment: Moment): Promise<number[]> {
  const { chance, dir, sent, source, t } = run
  const instance = up(run)
  if (moment === 'boot') {
    await sleep(chance.between(0, 900))
    const orphans = clickHouseOf(dir)
    instance.kill('SIGKILL')
    await instance.exited
    return orphans
  }
  const origin = await readyOrigin(run, instance)
  const load = startLoad({ origin, source, sent, most: MOST_BEACONS_A_ROUND })
  if (moment === 'early') await sleep(chance.between(0, 100))
  else await sleep(chance.between(150, 2_600))
  if (moment === 'clickhouse') {
    killAll(clickHouseOf(dir))
    await sleep(chance.between(0, 600))
  }
  const orphans = clickHouseOf(dir)
  t.notOk(instance.hasEnded(), 'it lives until it is killed')
  instance.kill('SIGKILL')
  const { signal } = await instance.exited
  t.equal(signal, 'SIGKILL')
  await load.stop()
  t.same(load.wrong, [], 'each answer is the right one')
  if (moment !== 'early') t.ok(load.answered > 0, 'the kill came under load')
  return orphans
}

async function expectGone(t: Test, dir: string, orphans: readonly number[]): Promise<void> {
  const deadline = Date.now() + ORPHAN_WITHIN_MS
  const left = (): number[] => clickHouseOf(dir).filter((pid) => orphans.includes(pid))
  while (left().length > 0 && Date.now() < deadline) await sleep(20)
  t.same(left(), [], 'the ClickHouse child of a killed run ends')
}

function foldChoices(ledger: readonly LedgerRow[]): LedgerRow[] {
  return ledger.map((row) => {
    const dropped: Record<string, number> = {}
    for (const [reason, count] of Object.entries(row.dropped)) {
      const shown = /^(consent|signal)\./.test(reason) ? 'refused' : reason
      dropped[shown] = (dropped[shown] ?? 0) + count
    }
    return { ...row, dropped }
  })
}

t.test(
  'after kill -9 at random moments every answered event is counted and stored exactly once',
  async (t) => {
    const seed = testSeed()
    t.comment(`TACIT_TEST_SEED=${seed}`)
    const chance = seededChance(seed)
    const root = t.testdir()
    const setting = createSetting(join(root, 'setting'))
    const run: Run = {
      t,
      dir: join(root, 'data'),
      setting,
      chance,
      source: createBeaconSource(setting, chance),
      sent: [],
      readyMs: [],
    }
    const { dir, sent } = run

    for (let at = 0; at < ROUNDS; at++) {
      const moment = MOMENTS[at % MOMENTS.length] ?? 'load'
      const orphans = await round(run, moment)
      // Every second restart comes at once, into the arms of the old child.
      if (at % 2 === 0) await expectGone(t, dir, orphans)
    }

    const last = up(run)
    const load = startLoad({ origin: await readyOrigin(run, last), source: run.source, sent, most: 200 })
    while (load.answered < 150 && !last.hasEnded()) await sleep(20)
    await load.stop()
    last.kill('SIGTERM')
    t.equal((await last.exited).code, 0, 'it ends cleanly')
    await expectGone(t, dir, clickHouseOf(dir))

    const shown = startVerb(['ledger', '--json', '--data', dir])
    t.equal((await shown.exited).code, 0)
    const stored = await readStores(dir)
    t.same(judge(sent, [...stored.landing, ...stored.staging], stored.ledger), [], 'every obligation is met')
    t.same(JSON.parse(shown.output()).rows, foldChoices(stored.ledger), '`tacit ledger` says the same')
    t.equal(stored.boundaryOpen, false, 'nothing is left half staged')

    const later = (Math.floor(Date.now() / HOUR) + 1) * HOUR
    t.equal((await startAdvance(dir, [later]).exited).code, 0)
    const settled = await readStores(dir, later)
    t.same(judgeRows(sent, settled.staging), [], 'and is in staging once when its hour is settled')
    t.same(settled.landing, [], 'landing is empty then')
    t.same(settled.ledger, stored.ledger, 'and the ledger is the same')
    const many = [...rootsByLabel(dir)].filter(([, { files, opened }]) => opened > 1 || files > 1)
    t.same(many, [], 'no epoch and no hour ever had two roots')

    const answered = sent.filter(({ acknowledged }) => acknowledged).length
    t.ok(answered > ROUNDS * 20, 'there was something to lose')
    const slowest = Math.round(Math.max(...run.readyMs))
    t.comment(
      `${ROUNDS} kills, ${sent.length} beacons sent, ${answered} answered 204, ${settled.staging.length} rows; slowest start ${slowest} ms`,
    )
  },
)
