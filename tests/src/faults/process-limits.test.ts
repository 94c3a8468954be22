/**
 * What a process runs out of under load (faults.md P12–P15): its heap, the time of its event loop, descriptors, and its
 * ClickHouse child. Every 204 is an obligation; what it cannot promise it does not, and it comes back by itself.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { type Instance, processesNaming, SEES_PROCESSES, startUp } from '../support/crash/instance.js'
import { judge } from '../support/crash/oracle.js'
import { createSetting, type Chance, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores } from '../support/crash/stores.js'
import { untilReady } from '../support/fleet/fleet.js'
import { type PacedLoad, startPacedLoad } from '../support/fleet/paced-load.js'

/** beacons a second */
const RATE = 150
const PATIENCE_MS = 60_000
const BLOCKED_MS = 5_000
/** What health checks of an orchestrator wait for, as a rule. */
const PROBE_MS = 1_000
const SPARE_DESCRIPTORS = 24
const CHILD_KILLS = 3
const HEAP_MIB = 160

// The runner has a limit for the file.
t.setTimeout(0)

/** @throws Error where it does not become true in time */
async function until(what: () => boolean, ofWhat: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!what()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${ofWhat}`)
    await sleep(10)
  }
}

/** Beacons that had their 204. */
const taken = ({ answers }: PacedLoad): number => answers.get(204) ?? 0

/** A data directory of its own, with one instance at a time under load. */
function scene(t: Test) {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const chance: Chance = seededChance(seed)
  const root = t.testdir()
  const dir = join(root, 'data')
  const setting = createSetting(join(root, 'setting'))
  const source = createBeaconSource(setting, seededChance(seed + 1))
  const sent: SentBeacon[] = []

  async function underLoad(options: Pick<Parameters<typeof startUp>[0], 'trouble' | 'nodeOptions'> = {}) {
    const instance = startUp({ dir, ...setting, ...options })
    t.teardown(() => instance.kill('SIGKILL'))
    const origin = (await instance.ready)?.origin
    if (origin === undefined) throw new Error(`not ready: ${instance.output()}`)
    await untilReady(origin)
    const load = startPacedLoad({ origins: [origin], source, sent, rate: RATE, now: () => Date.now() })
    await until(() => taken(load) >= RATE || instance.hasEnded(), 'answers')
    return { instance, load, origin }
  }

  /** Ends it cleanly, and judges all that was sent. */
  async function settle(instance: Instance, load: PacedLoad): Promise<void> {
    await load.stop()
    t.same(load.wrong, [], 'each answer is the right one')
    instance.kill('SIGTERM')
    const { code } = await instance.exited
    t.equal(code, 0, 'it ends cleanly', { output: instance.output() })
    const stored = await readStores(dir, Date.now(), true)
    t.same(judge(sent, [...stored.landing, ...stored.staging], stored.ledger), [], 'every obligation is met')
  }

  return { dir, chance, sent, underLoad, settle }
}

/** What readiness says on a connection of its own; 0: nothing. */
function statusOf(origin: string, ms: number): Promise<number> {
  return new Promise((resolve) => {
    const asked = get(`${origin}/readyz`, { agent: false, timeout: ms }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.on('timeout', () => asked.destroy()).on('error', () => resolve(0))
  })
}

t.test('P12: it runs out of memory under load, and its next start lacks nothing', async (t) => {
  const { settle, underLoad } = scene(t)
  const nodeOptions = [`--max-old-space-size=${String(HEAP_MIB)}`]
  const { instance, load } = await underLoad({ trouble: 'heap', nodeOptions })
  instance.signal('SIGUSR2')
  const ended = await Promise.race([instance.exited, sleep(PATIENCE_MS, null, { ref: false })])
  t.equal(ended?.signal, 'SIGABRT', 'V8 ended it')
  t.match(instance.output(), /JavaScript heap out of memory/, 'for want of memory')
  await load.stop()
  t.same(load.wrong, [], 'each answer until then is the right one')
  const next = await underLoad()
  await settle(next.instance, next.load)
})

t.test('P13: while its event loop is blocked it answers nobody, and then everybody', async (t) => {
  const { sent, settle, underLoad } = scene(t)
  const { instance, load, origin } = await underLoad({ trouble: `block ${String(BLOCKED_MS)}` })
  const before = taken(load)
  instance.signal('SIGUSR2')
  await until(() => instance.output().includes('is blocked'), 'the block')
  const blocked = performance.now()
  const probe = await statusOf(origin, PROBE_MS)
  if (performance.now() - blocked < BLOCKED_MS / 2) t.equal(probe, 0, 'it does not say that it is ready')
  await until(() => instance.output().includes('is free'), 'its end')
  t.equal(await statusOf(origin, PATIENCE_MS), 200, 'it is ready again')
  await until(() => taken(load) > before + 100, 'answers')
  const late = sent.filter(
    ({ acknowledged, sentAt, until: at }) => acknowledged && at - sentAt > BLOCKED_MS / 2,
  )
  t.ok(late.length > 0, `${late.length} beacons were answered late`)
  await settle(instance, load)
})

const hasLimits = SEES_PROCESSES && spawnSync('prlimit', ['--version']).status === 0

t.test(
  'P14: out of descriptors it answers on the connections that it has, and takes others when some are free',
  { skip: hasLimits ? false : 'prlimit(1) or /proc is not there' },
  async (t) => {
    const { settle, underLoad } = scene(t)
    const { instance, load, origin } = await underLoad()
    const open = readdirSync(`/proc/${String(instance.pid)}/fd`).length
    const limit = String(open + SPARE_DESCRIPTORS)
    t.equal(spawnSync('prlimit', ['--pid', String(instance.pid), `--nofile=${limit}:${limit}`]).status, 0)
    const idle: Socket[] = []
    const closed = new Set<Socket>()
    const end = performance.now() + PATIENCE_MS
    while (closed.size < 5 && performance.now() < end) {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(origin).port) })
      socket.on('error', () => undefined).on('close', () => closed.add(socket))
      // One that is closed at once may hear of it before it hears that it was open.
      await Promise.race([once(socket, 'connect').catch(() => undefined), once(socket, 'close')])
      idle.push(socket)
      await sleep(5)
    }
    t.ok(idle.length - closed.size >= SPARE_DESCRIPTORS / 2, `${idle.length - closed.size} were taken`)
    t.ok(closed.size >= 5, 'and then none: its descriptors are exhausted')
    t.equal(await statusOf(origin, PROBE_MS), 0, 'nobody new is told that it is ready')
    const before = taken(load)
    await until(() => taken(load) > before + 50, 'answers on connections that are there')
    for (const socket of idle) socket.destroy()
    await untilReady(origin)
    const after = taken(load)
    await until(() => taken(load) > after + 50, 'answers afterwards')
    await settle(instance, load)
  },
)

t.test(
  'P15: its ClickHouse child dies again and again under load, and is there again by itself',
  { skip: SEES_PROCESSES ? false : '/proc is not there' },
  async (t) => {
    const { chance, dir, settle, underLoad } = scene(t)
    const { instance, load, origin } = await underLoad()
    const children = (): number[] => processesNaming(join(dir, 'clickhouse'))
    for (let kill = 0; kill < CHILD_KILLS; kill++) {
      await until(() => children().length > 0, 'the child')
      await sleep(chance.between(0, 1_500))
      const [pid = 0] = children()
      process.kill(pid, 'SIGKILL')
      await until(() => !children().includes(pid), 'its end')
      const before = taken(load)
      await until(() => taken(load) > before + 50, 'answers without it')
      t.equal(await statusOf(origin, PATIENCE_MS), 200, 'beacons are taken: the log has them')
    }
    await until(() => children().length > 0, 'the child')
    t.equal(instance.output().match(/ended by itself; starting it again/g)?.length, CHILD_KILLS)
    await settle(instance, load)
  },
)
