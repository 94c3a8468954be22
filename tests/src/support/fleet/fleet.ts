/**
 * A whole distributed deployment on this machine: real brokers, one ClickHouse server, a keeper, collectors and
 * aggregators, each a process of its own, with the environment that a deployment gives them. All of them have one clock
 * file, so that an hour can be over when a test wants it to be.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Brokers, freePorts, startBrokers } from '@tacit/event-log/testing'
import { type EmbeddedServer, startEmbeddedServer } from '@tacit/warehouse'
import { createSetting, type Setting } from '../crash/setting.js'
import { createKeeperCertificates, KEEPER_NAMES } from '../keeper-certificates.js'
import { Member } from './member.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Of the last moments of an hour and its first ones no test can tell which it is in. */
const EDGE_MS = 10_000

export interface FleetOptions {
  /** a folder of the test's own */
  readonly dir: string
  readonly nodes: 1 | 3
  readonly collectors: number
  readonly aggregators: number
  /** brokers' advertised listeners go through proxies */
  readonly proxied?: boolean
  /** how much may wait for brokers on a collector; default 1 GiB */
  readonly spool?: string
  /** what each process holds is written to `<name>.vitals` (vitals.ts) */
  readonly vitals?: boolean
  /** of every process */
  readonly env?: Readonly<Record<string, string>>
  /** ms: what the processes take for the time when they are started; at most a day from now. Default now */
  readonly startAt?: number
  /** false: the test starts the aggregators. Default true */
  readonly startsAggregators?: boolean
}

export interface Fleet {
  readonly brokers: Brokers
  readonly server: EmbeddedServer
  readonly setting: Setting
  readonly keeper: Member
  readonly collectors: readonly Member[]
  readonly aggregators: readonly Member[]
  /** of the collectors, the same over restarts */
  readonly origins: readonly string[]
  /** what the processes are given, without the keeper's */
  readonly env: Readonly<Record<string, string>>
  /** Certificate settings of another role. */
  certificate(role: string, name: string): Readonly<Record<string, string>>
  /** Lets the hour that runs be over, for every process. @returns its start and the one after it, ms */
  passHour(): Promise<void>
  /** Sets every process's clock, to less than an hour from where it is: it would not be believed. @param time ms */
  setClock(time: number): void
  /** ms: what the processes take for the time now */
  now(): number
  stop(): Promise<void>
}

/** Starts all of it; every collector is ready. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { dir, nodes } = options
  mkdirSync(dir, { recursive: true })
  const closing: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const step of closing.splice(0).toReversed()) await step()
  }
  try {
    const brokers = await startBrokers({
      nodes,
      proxied: options.proxied === true,
      properties: {
        'group.initial.rebalance.delay.ms': '0',
        // The brokers' clock is not moved, and by default they refuse what is an hour ahead of it.
        'log.message.timestamp.after.max.ms': String(2 * DAY),
      },
    })
    closing.push(() => brokers.stop())
    const server = await startEmbeddedServer({ dir: join(dir, 'clickhouse') })
    closing.push(() => server.stop())
    return await startMembers(options, brokers, server, closing, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function startMembers(
  options: FleetOptions,
  brokers: Brokers,
  server: EmbeddedServer,
  closing: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Fleet> {
  const { dir } = options
  let shift = (options.startAt ?? Date.now()) - Date.now()
  const now = (): number => Date.now() + shift
  const { spool } = options
  const setting = createSetting(join(dir, 'setting'), { now, ...(spool === undefined ? {} : { spool }) })
  const certificates = createKeeperCertificates(join(dir, 'tls'))
  const certificate = (role: string, name: string) =>
    certificates.settings(`${role}-${name}`, { names: [`URI:tacit://${role}/${name}`], usage: 'clientAuth' })
  const clockFile = join(dir, 'clock')
  const setClock = (time: number): void => {
    shift = time - Date.now()
    writeFileSync(clockFile, String(shift))
  }
  setClock(now())
  const password = join(dir, 'clickhouse.password')
  writeFileSync(password, server.address.password, { mode: 0o600 })
  const [keeperPort = 0, ...ports] = await freePorts(1 + options.collectors)
  const clock = { TACIT_TEST_CLOCK_FILE: clockFile }
  const env = {
    ...clock,
    ...options.env,
    KAFKA_BROKERS: brokers.brokers.join(','),
    TACIT_KAFKA_REPLICATION: String(options.nodes),
    CLICKHOUSE_URL: server.address.url,
    CLICKHOUSE_USERNAME: server.address.username,
    TACIT_CLICKHOUSE_PASSWORD_FILE: password,
    TACIT_KEEPER_URL: `https://127.0.0.1:${String(keeperPort)}`,
  }
  const shared = ['--rulebook', setting.rulebook]
  const vitals = (name: string) => (options.vitals === true ? { vitals: join(dir, `${name}.vitals`) } : {})
  const keeper = new Member({
    name: 'keeper',
    ...vitals('keeper'),
    args: ['keeper', '--data', join(dir, 'keeper'), ...shared, '--port', String(keeperPort)],
    env: {
      ...clock,
      ...certificates.settings('keeper-one', { names: KEEPER_NAMES, usage: 'serverAuth' }),
    },
  })
  const collectors = Array.from({ length: options.collectors }, (_, at) => {
    const name = `c${String(at + 1)}`
    const args = ['collector', '--data', join(dir, name), ...shared, '--port', String(ports[at])]
    const tokens = Object.fromEntries(
      Object.entries(setting.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    )
    return new Member({
      name,
      args,
      env: { ...env, ...tokens, ...certificate('collector', name) },
      ...vitals(name),
    })
  })
  const aggregators = Array.from({ length: options.aggregators }, (_, at) => {
    const name = `a${String(at + 1)}`
    const args = ['aggregator', '--data', join(dir, name), ...shared, '--health-port', '0']
    return new Member({ name, args, env: { ...env, ...certificate('aggregator', name) }, ...vitals(name) })
  })
  const members = [keeper, ...aggregators, ...collectors]
  closing.push(() => Promise.all(members.map((member) => member.end('SIGKILL'))))
  await keeper.start()
  const first = options.startsAggregators === false ? collectors : [...aggregators, ...collectors]
  await Promise.all(first.map((member) => member.start()))
  const origins = ports.map((port) => `http://127.0.0.1:${String(port)}`)
  try {
    for (const origin of origins) await untilReady(origin)
  } catch (error) {
    const said = members.map((member) => `--- ${member.name}\n${member.output()}`).join('\n')
    throw new Error(`${String(error)}\n${said}`, { cause: error })
  }
  return {
    brokers,
    server,
    setting,
    keeper,
    collectors,
    aggregators,
    origins,
    env,
    certificate,
    now,
    setClock,
    async passHour() {
      const into = now() % HOUR
      // A clock that leaves the monotonic one by more than an hour is not believed.
      if (into < EDGE_MS) await sleep(EDGE_MS - into)
      setClock(now() - (now() % HOUR) + HOUR + 1_000)
    },
    stop,
  }
}

/** Resolves when a collector takes beacons. @throws Error after a minute */
export async function untilReady(origin: string, withinMs = 60_000): Promise<void> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    const status = await fetch(`${origin}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    await sleep(50)
  }
  throw new Error(`${origin} did not become ready`)
}
