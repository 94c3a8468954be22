/**
 * The processes of docker-compose.yml without containers: each with its command and its environment as they stand there.
 * What differs is what a container would give it: where its folders lie, the names and ports of the others, and
 * ClickHouse, which is the one of `chdb` behind a TLS listener with the deployment's certificate.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type Server } from 'node:tls'
import { freePorts, type Guarded, kafkaHome, spawnGuarded } from '@tacit/event-log/testing'
import { type EmbeddedServer, startEmbeddedServer } from '@tacit/warehouse'
import { environment, TACIT } from '../support/tacit.js'
import { compose, ofTacit, type Service, secretsOf } from './compose.js'
import { ROOT, textOf } from './files.js'

const HEALTHY_WITHIN_MS = 90_000
const KAFKA_FILES = ['start.sh', 'server.properties', 'log4j2.properties'] as const
/** Kafka's own start scripts, which the jars come without. */
const KAFKA_PROGRAMS = {
  'kafka-storage.sh': 'kafka.tools.StorageTool',
  'kafka-server-start.sh': 'kafka.Kafka',
}

export interface ByHand {
  readonly server: EmbeddedServer
  /** where a service listens, by its name */
  readonly ports: ReadonlyMap<string, number>
  /** What a service printed. */
  output(name: string): string
  /** Asks a service as its health check does, until it is healthy. @throws Error with its output where it is not in time */
  healthy(name: string): Promise<void>
  stop(): Promise<void>
}

const serviceOf = (name: string): Service => {
  const service = compose.services[name]
  if (service === undefined) throw new Error(`docker-compose.yml has no ${name}`)
  return service
}

/** Docker Compose's own, as a shell without these variables has it. */
const withDefaults = (words: string): string => words.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')

/** The port that a service of Tacit listens on in its container. */
function listensOn(name: string): string {
  const { command = [] } = serviceOf(name)
  const port = command[command.findIndex((argument) => /^--(health-)?port$/.test(argument)) + 1]
  if (port === undefined) throw new Error(`${name} does not say where it listens`)
  return port
}

/** Where things are on this machine, for the texts that name them as a container sees them. */
class Places {
  readonly made: string
  readonly clickhouse: number
  /** of Tacit's services, by their names */
  readonly ports: ReadonlyMap<string, number>
  readonly #dir: string
  readonly #kafka: readonly [number, number, number]

  constructor(dir: string, free: readonly number[]) {
    const [clients = 0, nodes = 0, voters = 0, clickhouse = 0, ...own] = free
    this.#dir = dir
    this.#kafka = [clients, nodes, voters]
    this.made = join(dir, 'secrets')
    this.clickhouse = clickhouse
    this.ports = new Map(ofTacit.map(([name], at) => [name, own[at] ?? 0]))
  }

  /** A service's own folder. */
  of(name: string, ...below: readonly string[]): string {
    return join(this.#dir, name, ...below)
  }

  /** A text of the Compose file, or of what it mounts into a service. */
  here(name: string, words: string): string {
    const [clients, nodes, voters] = this.#kafka.map(String)
    return words
      .replaceAll('kafka-1', 'localhost')
      .replaceAll('/run/secrets', this.of(name, 'secrets'))
      .replaceAll('/var/lib', this.of(name))
      .replaceAll('/etc/tacit/rulebook', join(ROOT, 'rulebooks/website'))
      .replaceAll('/etc/tacit/token-keys', join(ROOT, 'infra/token-keys'))
      .replaceAll('/etc/tacit/kafka', this.of(name, 'kafka-files'))
      .replaceAll('keeper:8443', `localhost:${String(this.ports.get('keeper'))}`)
      .replaceAll('clickhouse:8443', `localhost:${String(this.clickhouse)}`)
      .replaceAll(/([:/])9092\b/g, `$1${clients}`)
      .replaceAll(':9093', `:${nodes}`)
      .replaceAll(':9094', `:${voters}`)
  }

  environment(name: string): Record<string, string> {
    const given = Object.entries(serviceOf(name).environment ?? {})
    return Object.fromEntries(given.map(([key, value]) => [key, this.here(name, withDefaults(value))]))
  }

  /** What a container sees as `/run/secrets`. */
  giveSecrets(name: string): void {
    mkdirSync(this.of(name, 'secrets'), { recursive: true })
    for (const { source, target } of secretsOf(serviceOf(name))) {
      const file = this.of(name, 'secrets', target)
      copyFileSync(join(this.made, source), file)
      chmodSync(file, statSync(join(this.made, source)).mode & 0o777)
    }
  }
}

/** Starts all of it, in the order of `depends_on`. @param dir a folder of the test's own */
export async function startByHand(dir: string): Promise<ByHand> {
  const closing: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    for (const step of closing.splice(0).toReversed()) await step()
  }
  try {
    const places = new Places(dir, await freePorts(4 + ofTacit.length))
    const { status, stderr } = spawnSync(join(ROOT, 'infra/make-secrets.sh'), [places.made], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    const running = new Map<string, Guarded>()
    const keep = (name: string, child: Guarded): void => {
      running.set(name, child)
      closing.push(async () => {
        child.signal('SIGKILL')
        await child.gone
      })
    }
    const output = (name: string): string => running.get(name)?.output() ?? ''
    const healthy = async (name: string): Promise<void> => {
      const said = await untilHealthy(name, places, () => running.get(name)?.isAlive === true)
      if (said !== null) throw new Error(`${name} is not healthy: ${said}\n${output(name)}`)
    }

    keep('kafka-1', await startKafka('kafka-1', places))
    const server = await startEmbeddedServer({ dir: join(dir, 'clickhouse') })
    closing.push(() => server.stop())
    const front = await listenTls(places, Number(new URL(server.address.url).port))
    closing.push(() => front.close())
    await healthy('kafka-1')
    keep('keeper', startTacit('keeper', places, server))
    await healthy('keeper')
    for (const [name] of ofTacit) if (name !== 'keeper') keep(name, startTacit(name, places, server))
    return { server, ports: places.ports, output, healthy, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Kafka from its jars, by the image's entry point, with programs of the image's names. */
async function startKafka(name: string, places: Places): Promise<Guarded> {
  places.giveSecrets(name)
  const programs = places.of(name, 'home/bin')
  for (const folder of [programs, places.of(name, 'kafka-files'), places.of(name, 'kafka/data')])
    mkdirSync(folder, { recursive: true })
  for (const file of KAFKA_FILES)
    writeFileSync(places.of(name, 'kafka-files', file), places.here(name, textOf(`infra/kafka/${file}`)))
  const { command } = await kafkaHome({ env: process.env, progress: () => undefined })
  for (const [program, main] of Object.entries(KAFKA_PROGRAMS)) {
    const words = [command.java, ...command.args, main].map((word) => `'${word}'`).join(' ')
    writeFileSync(join(programs, program), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  }
  const [shell = '', ...args] = serviceOf(name).entrypoint ?? []
  const own = { LOG_DIR: places.of(name), KAFKA_HOME: places.of(name, 'home') }
  return spawnGuarded(
    shell,
    args.map((argument) => places.here(name, argument)),
    { cwd: places.of(name), env: environment({ ...places.environment(name), ...own }) },
  )
}

function startTacit(name: string, places: Places, server: EmbeddedServer): Guarded {
  places.giveSecrets(name)
  const env = places.environment(name)
  if (env['CLICKHOUSE_USERNAME'] !== undefined) {
    env['CLICKHOUSE_USERNAME'] = server.address.username
    writeFileSync(places.of(name, 'secrets/clickhouse-password'), server.address.password)
  }
  for (const folder of ['tacit', 'tacit-master'])
    mkdirSync(places.of(name, folder), { recursive: true, mode: 0o700 })
  const { command = [] } = serviceOf(name)
  const port = listensOn(name)
  const args = command.map((argument) =>
    argument === port ? String(places.ports.get(name)) : places.here(name, argument),
  )
  return spawnGuarded(process.execPath, [TACIT, ...args], { cwd: places.of(name), env: environment(env) })
}

/** Runs a service's health check until it succeeds: null; else what it said last. */
async function untilHealthy(name: string, places: Places, isAlive: () => boolean): Promise<string | null> {
  const [, program = '', ...args] = serviceOf(name).healthcheck?.test ?? []
  const own = places.ports.has(name) ? listensOn(name) : ''
  const asked = args.map((argument) =>
    places.here(name, argument).replace(`:${own}/`, `:${String(places.ports.get(name))}/`),
  )
  const until = performance.now() + HEALTHY_WITHIN_MS
  let said = ''
  while (isAlive() && performance.now() < until) {
    const check = spawn(program, asked, {
      cwd: ROOT,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [[code], output] = await Promise.all([once(check, 'close'), text(check.stderr)])
    if (code === 0) return null
    said = output
    await sleep(200)
  }
  return said
}

/** Takes TLS as the deployment's ClickHouse does, and hands on what comes. */
async function listenTls(places: Places, to: number): Promise<Server> {
  const read = (name: string): Buffer => readFileSync(join(places.made, name))
  const server = createServer(
    { cert: read('clickhouse.pem'), key: read('clickhouse.key'), minVersion: 'TLSv1.2' },
    (socket) => {
      const inner = connect(to, '127.0.0.1')
      for (const [one, other] of [
        [socket, inner],
        [inner, socket],
      ] as const)
        one.on('error', () => other.destroy()).on('close', () => other.destroy())
      socket.pipe(inner).pipe(socket)
    },
  )
  server.listen(places.clickhouse, '127.0.0.1')
  await once(server, 'listening')
  return server
}
