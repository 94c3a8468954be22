/**
 * Real brokers from the jars, on loopback, that a test controls: one or three, each a broker and a controller.
 *
 * Invariants: a broker dies with this process, however that ends; so does a temporary folder. A node keeps its ports
 * and its data over every `kill` and `start`. Whoever answers is asked for the cluster's id, so that a broker of
 * somebody else on a port that we thought free is not taken for ours.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isWhole, until } from './control.js'
import { ADMIN, type Credentials, makeCredentials, scramArguments } from './credentials.js'
import { format } from './format.js'
import { removeFolderAtDeath } from './guarded.js'
import { type KafkaHome, kafkaHome } from './home.js'
import { choosePorts, dataOf, fillData, META } from './layout.js'
import { KafkaNode } from './node.js'
import { type NodeSecurity, randomId, serverProperties } from './properties.js'
import type { Access, BrokerOptions, Brokers } from './shapes.js'
import { TcpProxy } from './tcp-proxy.js'

/** A port can be lost between looking and listening. */
const ATTEMPTS = 3
const SEEN_WITHIN_MS = 60_000
const WHOLE_WITHIN_MS = 60_000
const ASK_EVERY_MS = 50

/** A cluster's own folder. */
interface Place {
  readonly dir: string
  readonly clusterId: string
  /** whether the nodes have their data already */
  readonly isOld: boolean
  remove(): Promise<void>
}

const nodeDir = (dir: string, id: number): string => join(dir, `node${id}`)

async function openPlace(data: string | undefined, nodes: number): Promise<Place> {
  if (data === undefined) {
    const dir = await mkdtemp(join(tmpdir(), 'tacit-kafka-'))
    const release = removeFolderAtDeath(dir)
    const remove = async (): Promise<void> => {
      await rm(dir, { recursive: true, force: true, maxRetries: 3 })
      release()
    }
    return { dir, clusterId: randomId(), isOld: false, remove }
  }
  const dir = resolve(data)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const found = (await readdir(dir)).filter((name) => /^node\d+$/.test(name)).length
  const remove = async (): Promise<void> => undefined
  if (found === 0) return { dir, clusterId: randomId(), isOld: false, remove }
  if (found !== nodes) throw new Error(`${dir} holds the data of ${found} node(s), not of ${nodes}.`)
  const meta = await readFile(join(dataOf(nodeDir(dir, 1)), META), 'utf8')
  return { dir, clusterId: /^cluster\.id=(.+)$/m.exec(meta)?.[1] ?? '', isOld: true, remove }
}

function nodeSecurity(credentials: Credentials | null, acls: boolean): NodeSecurity | null {
  if (credentials === null) return null
  const { keystore, truststore, passwords } = credentials
  const admin = { username: ADMIN, password: passwords.get(ADMIN) ?? '' }
  return { keystore, truststore, admin, hasAcls: acls }
}

function accessOf(brokers: readonly string[], credentials: Credentials | null, user: string): Access {
  if (credentials === null) return { brokers, tls: null, sasl: null }
  const password = credentials.passwords.get(user)
  if (password === undefined) throw new Error(`no user ${user}: name it in the option users`)
  return { brokers, tls: credentials.tls, sasl: { username: user, password } }
}

/** One cluster and all that it is made of. */
class Cluster implements Brokers {
  readonly nodes: readonly KafkaNode[]
  readonly brokers: readonly string[]
  readonly clusterId: string
  readonly #internal: readonly string[]
  readonly #credentials: Credentials | null
  readonly #proxies: readonly TcpProxy[]
  readonly #place: Place
  #stopping: Promise<void> | null = null

  constructor(
    place: Place,
    credentials: Credentials | null,
    nodes: readonly KafkaNode[],
    proxies: readonly TcpProxy[],
    internal: readonly string[],
  ) {
    this.nodes = nodes
    this.brokers = nodes.map(({ address }) => address)
    this.clusterId = place.clusterId
    this.#internal = internal
    this.#credentials = credentials
    this.#proxies = proxies
    this.#place = place
  }

  access(user: string = ADMIN): Access {
    return accessOf(this.brokers, this.#credentials, user)
  }

  async whole(): Promise<void> {
    const control = accessOf(this.#internal, this.#credentials, ADMIN)
    // A broker that was just killed still counts as a member until its session ends.
    const isThere = async (): Promise<boolean> =>
      this.nodes.every(({ isAlive }) => isAlive) && (await isWhole(control, this.nodes.length))
    if (await until(isThere, WHOLE_WITHIN_MS, ASK_EVERY_MS)) return
    throw new Error(`the cluster is not whole after ${WHOLE_WITHIN_MS / 1000} s`)
  }

  /** Starts all nodes; resolves when each sees all. */
  async start(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.open()))
    await Promise.all(this.nodes.map((node) => node.start()))
    const ids = this.nodes.map(({ id }) => id)
    const sees = await Promise.all(
      this.nodes.map((node) => until(() => node.sees(ids), SEEN_WITHIN_MS, ASK_EVERY_MS)),
    )
    if (sees.includes(false)) throw new Error('the brokers do not find each other')
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  /** Ends all nodes and proxies, and keeps the data. */
  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()))
    await Promise.all(this.#proxies.map((proxy) => proxy.close()))
  }

  async #stop(): Promise<void> {
    await this.end()
    await this.#place.remove()
  }
}

async function assemble(
  options: BrokerOptions,
  home: KafkaHome,
  place: Place,
  credentials: Credentials | null,
): Promise<Cluster> {
  const { nodes: count = 1, proxied = false, properties = {}, port = null, acls = false } = options
  const ports = await choosePorts(count, port, proxied)
  const security = nodeSecurity(credentials, acls)
  const proxies: TcpProxy[] = []
  const nodes: KafkaNode[] = []
  const internal: string[] = []
  for (const [id, own] of ports) {
    const dir = nodeDir(place.dir, id)
    const proxy = proxied ? new TcpProxy(own.advertised, own.clients) : null
    if (proxy !== null) proxies.push(proxy)
    const extra = typeof properties === 'function' ? properties(id) : properties
    const address = `127.0.0.1:${own.internal}`
    internal.push(address)
    nodes.push(
      new KafkaNode({
        id,
        clusterId: place.clusterId,
        address: `127.0.0.1:${own.advertised}`,
        proxy,
        command: home.command,
        dir,
        properties: serverProperties({ id, dataDir: dataOf(dir), ports, security, extra }),
        control: accessOf([address], credentials, ADMIN),
      }),
    )
  }
  return new Cluster(place, credentials, nodes, proxies, internal)
}

/** Starts a cluster; where a port was lost to somebody else, with other ports. */
async function startSomewhere(assembled: () => Promise<Cluster>, attempts: number): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const cluster = await assembled()
    try {
      await cluster.start()
      return cluster
    } catch (error) {
      await cluster.end()
      const isPortLost = error instanceof Error && /EADDRINUSE|Address already in use/.test(error.message)
      if (!isPortLost || attempt >= attempts) throw error
    }
  }
}

/**
 * Starts real brokers that the caller controls; ready means: every node takes part and answers.
 * About 1.5 s for one node, 4 s for three; the first time on a machine also fetches Kafka.
 * @throws BrokersUnavailable where none can be had here: ask `brokersSkip` first
 */
export async function startBrokers(options: BrokerOptions = {}): Promise<Brokers> {
  const { nodes = 1, security = 'plaintext', users = [], data } = options
  if (security === 'sasl_ssl' && data !== undefined) throw new Error('data is kept with plaintext only')
  const home = await kafkaHome({
    env: process.env,
    progress: options.progress ?? (() => undefined),
    jvm: options.jvm,
  })
  const place = await openPlace(data, nodes)
  try {
    const credentials = security === 'sasl_ssl' ? await makeCredentials(join(place.dir, 'tls'), users) : null
    if (!place.isOld) {
      const template = credentials
        ? await format(home.command, place.dir, scramArguments(credentials))
        : home.template
      for (let id = 1; id <= nodes; id++) {
        await fillData(dataOf(nodeDir(place.dir, id)), template, id, place.clusterId)
      }
    }
    const attempts = options.port === undefined ? ATTEMPTS : 1
    return await startSomewhere(() => assemble(options, home, place, credentials), attempts)
  } catch (error) {
    await place.remove()
    throw error
  }
}
