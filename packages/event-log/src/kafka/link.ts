/**
 * One topic's connection to the cluster, for requests one by one (cluster.ts).
 *
 * kafkajs shares one attempt to connect or to look the cluster up among all who wait for it, and an attempt that hangs
 * (a connection that breaks while it authenticates, a broker that is stopped) hangs for ever. So a link of which every
 * request has failed for a while is dropped with its sockets and made anew.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import { type Broker, type Cluster, clusterOf, answered } from './cluster.js'
import { type KafkaOptions, kafkaClient, Sockets } from './connection.js'
import { topicIdOf } from './topic-id.js'

const FAILING_MS = 12_000
const CONNECT_MS = 8_000
const DISCONNECT_MS = 2_000

interface Connected {
  readonly cluster: Cluster
  readonly sockets: Sockets
}

export class Link {
  readonly topic: string
  readonly #options: KafkaOptions
  #connected: Connected
  /** brokers that are being connected to: kafkajs would open one more socket for each request that finds none */
  readonly #opening = new Map<string, Promise<Broker>>()
  /** of the first failure since the last success */
  #failingSince: number | null = null
  #closed = false

  constructor(options: KafkaOptions, topic: string) {
    this.topic = topic
    this.#options = options
    this.#connected = connect(options)
  }

  /** A broker by its number, connected for fetches or for all else; rejects where it cannot be reached now. */
  broker(nodeId: number | string, purpose: 'fetches' | 'others' = 'others'): Promise<Broker> {
    const key = `${nodeId} ${purpose}`
    const opening = this.#opening.get(key)
    if (opening) return opening
    const opened = this.#open(nodeId, purpose === 'fetches' ? 1 : 0).finally(() => {
      if (this.#opening.get(key) === opened) this.#opening.delete(key)
    })
    this.#opening.set(key, opened)
    return opened
  }

  /** The broker that coordinates a consumer group (0) or a transactional id (1) now. */
  async coordinator(groupId: string, coordinatorType: 0 | 1): Promise<Broker> {
    const cluster = await this.#ready()
    return await cluster.findGroupCoordinator({ groupId, coordinatorType })
  }

  /** Partitions of the topic, as far as is known; 0 where nothing is. */
  get width(): number {
    return this.#partitions().length
  }

  /** The node that leads a partition, as far as is known; null where none does. */
  leaderOf(partition: number): number | null {
    const found = this.#partitions().find(({ partitionId }) => partitionId === partition)
    return found === undefined || found.leader < 0 ? null : found.leader
  }

  /** Which topic it is by now, as the node knows that serves it: see {@link topicIdOf}. */
  async topicId(nodeId: number | null): Promise<string | null> {
    return await topicIdOf(await this.broker(nodeId ?? -1), this.topic)
  }

  /** Looks up anew who leads what. */
  async refresh(): Promise<void> {
    const cluster = await this.#ready()
    await answered(CONNECT_MS, cluster.refreshMetadata())
  }

  /** Says how a request went: whether the link is of use. */
  went(well: boolean): void {
    if (well) {
      this.#failingSince = null
      return
    }
    if (this.#closed) return
    const now = performance.now()
    this.#failingSince ??= now
    if (now - this.#failingSince < FAILING_MS) return
    this.#failingSince = null
    this.#opening.clear()
    void disconnect(this.#connected)
    this.#connected = connect(this.#options)
  }

  /** What is asked from now on is rejected with ERR_LOG_CLOSED: kafkajs would connect again. */
  async close(): Promise<void> {
    this.#closed = true
    await disconnect(this.#connected)
  }

  async #open(nodeId: number | string, index: 0 | 1): Promise<Broker> {
    const cluster = await this.#ready()
    const broker = await cluster.findBroker({ nodeId })
    await broker.connectionPool.getConnection(index)
    return broker
  }

  async #ready(): Promise<Cluster> {
    if (this.#closed) throw new TacitError('ERR_LOG_CLOSED')
    const { cluster } = this.#connected
    await answered(CONNECT_MS, cluster.connect())
    await answered(CONNECT_MS, cluster.addMultipleTargetTopics([this.topic]))
    return cluster
  }

  #partitions(): ReturnType<Cluster['findTopicPartitionMetadata']> {
    try {
      return this.#connected.cluster.findTopicPartitionMetadata(this.topic)
    } catch {
      // nothing was looked up yet
      return []
    }
  }
}

function connect(options: KafkaOptions): Connected {
  const sockets = new Sockets()
  // not always the same seed first: that one may hang
  const brokers = [...options.brokers].sort(() => Math.random() - 0.5)
  return { cluster: clusterOf(kafkaClient({ ...options, brokers }, sockets)), sockets }
}

/** kafkajs waits for answers that may never come; without sockets there is nothing to wait for. */
async function disconnect({ cluster, sockets }: Connected): Promise<void> {
  await answered(DISCONNECT_MS, cluster.disconnect()).catch(() => undefined)
  sockets.cut()
}
