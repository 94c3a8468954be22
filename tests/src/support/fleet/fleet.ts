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
import { createKeeperCertificates } from '../keeper-certificates.js'
import { Member } from './member.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** So far into the next hour the one before is settled at once: clocks of machines may differ by 10 s (settler.ts). */
const PAST_MS = 11_000
/** The way there is less than an hour, or it is not believed. */
const EDGE_MS = PAST_MS + 9_000

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

/** What needs neither brokers nor a server. */
interface Base {
  readonly setting: Setting
  readonly keeper: Member
  readonly keeperUrl: string
  /** of the collectors */
  readonly ports: readonly number[]
  readonly certificate: Fleet['certificate']
  readonly clock: Readonly<Record<string, string>>
  readonly setClock: Fleet['setClock']
  readonly now: Fleet['now']
}

const vitalsOf = ({ dir, vitals }: FleetOptions, name: string) =>
  vitals === true ? { vitals: join(dir, `${name}.vitals`) } : {}

async function makeBase(options: FleetOptions): Promise<Base> {
  const { dir, spool } = options
  let shift = (options.startAt ?? Date.now()) - Date.now()
  const now = (): number => Date.now() + shift
  const setting = createSetting(join(dir, 'setting'), { now, ...(spool === undefined ? {} : { spool }) })
  const clockFile = join(dir, 'clock')
  const setClock = (time: number): void => {
    shift = time - Date.now()
    writeFileSync(clockFile, String(shift))
  }
  setClock(now())
  const clock = { TACIT_TEST_CLOCK_FILE: clockFile }
  const certificates = createKeeperCertificates(join(dir, 'tls'))
  const [keeperPort = 0, ...ports] = await freePorts(1 + options.collectors)
  const data = ['--data', join(dir, 'keeper'), '--rulebook', setting.rulebook]
  const keeper = new Member({
    name: 'keeper',
    ...vitalsOf(options, 'keeper'),
    args: ['keeper', ...data, '--port', String(keeperPort)],
    env: { ...clock, ...certificates.keeper },
  })
  return {
    setting,
    keeper,
    keeperUrl: `https://127.0.0.1:${String(keeperPort)}`,
    ports,
    certificate: (role, name) =>
      certificates.settings(`${role}-${name}`, {
        names: [`URI:tacit://${role}/${name}`],
        usage: 'clientAuth',
      }),
    clock,
    setClock,
    now,
  }
}

/** Starts all of it; every collector is ready. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { dir, nodes } = options
  mkdirSync(dir, { recursive: true })
  const stores: (() => Promise<unknown>)[] = []
  const members: Member[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.end('SIGKILL')))
    await Promise.all(stores.splice(0).map((step) => step()))
  }
  /** What runs is ended also where something else does not come up. */
  const started = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const running = await starting
    stores.push(() => running.stop())
    return running
  }
  const startKeeper = async (): Promise<Base> => {
    const base = await makeBase(options)
    members.push(base.keeper)
    await base.keeper.start()
    return base
  }
  // None of them needs another.
  const starting = [
    started(
      startBrokers({
        nodes,
        proxied: options.proxied === true,
        properties: {
          'group.initial.rebalance.delay.ms': '0',
          // The brokers' clock is not moved, and by default they refuse what is an hour ahead of it.
          'log.message.timestamp.after.max.ms': String(2 * DAY),
        },
      }),
    ),
    started(startEmbeddedServer({ dir: join(dir, 'clickhouse') })),
    startKeeper(),
  ] as const
  try {
    await Promise.allSettled(starting)
    const [brokers, server, base] = await Promise.all(starting)
    return await startMembers(options, base, brokers, server, members, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function startMembers(
  options: FleetOptions,
  base: Base,
  brokers: Brokers,
  server: EmbeddedServer,
  members: Member[],
  stop: () => Promise<void>,
): Promise<Fleet> {
  const { dir } = options
  const { certificate, keeper, now, ports, setClock, setting } = base
  const password = join(dir, 'clickhouse.password')
  writeFileSync(password, server.address.password, { mode: 0o600 })
  const env = {
    ...base.clock,
    ...options.env,
    KAFKA_BROKERS: brokers.brokers.join(','),
    TACIT_KAFKA_REPLICATION: String(options.nodes),
    CLICKHOUSE_URL: server.address.url,
    CLICKHOUSE_USERNAME: server.address.username,
    TACIT_CLICKHOUSE_PASSWORD_FILE: password,
    TACIT_KEEPER_URL: base.keeperUrl,
  }
  const shared = ['--rulebook', setting.rulebook]
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
      ...vitalsOf(options, name),
    })
  })
  const aggregators = Array.from({ length: options.aggregators }, (_, at) => {
    const name = `a${String(at + 1)}`
    const args = ['aggregator', '--data', join(dir, name), ...shared, '--health-port', '0']
    return new Member({
      name,
      args,
      env: { ...env, ...certificate('aggregator', name) },
      ...vitalsOf(options, name),
    })
  })
  members.push(...aggregators, ...collectors)
  const first = options.startsAggregators === false ? collectors : [...aggregators, ...collectors]
  await Promise.all(first.map((member) => member.start()))
  const origins = ports.map((port) => `http://127.0.0.1:${String(port)}`)
  try {
    await Promise.all(origins.map((origin) => untilReady(origin)))
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
      if (into < EDGE_MS) await sleep(EDGE_MS - into)
      setClock(now() - (now() % HOUR) + HOUR + PAST_MS)
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
