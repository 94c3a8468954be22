/**
 * Kafka's requests, one by one, over the connections of kafkajs.
 *
 * kafkajs knows the wire, TLS, SASL and the cluster's metadata well; its consumer does not fit here (facts.md, Kafka): it
 * beats its heart only between batches, tells nobody that a part is about to be taken away, rejoins the whole group when
 * a leader moves, answers a commit made while it restarts with success, and after an offset out of range commits
 * "nothing" over the boundary. So the group's membership, the fetching and the transactions are ours (member.ts,
 * fetch.ts, transactor.ts), in terms of the requests below, which kafkajs hands to partition assigners.
 */
import type { CompressionTypes, Kafka } from 'kafkajs'
import { within } from './within.js'

export interface PartitionMetadata {
  readonly partitionId: number
  /** node, -1 where there is none now */
  readonly leader: number
}

/** A message as a fetch answers it. */
export interface FetchedMessage {
  readonly offset: string
  /** ms */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

export interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[]
  readonly messages: readonly FetchedMessage[]
}

interface Membership {
  readonly groupId: string
  readonly memberId: string
}

interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}

interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string
}

export interface OutgoingMessage {
  readonly key: string | null
  readonly value: Buffer | string | null
}

/** The requests that are used here, as kafkajs 2.2.4 takes and answers them. Each rejects with the error that the broker named. */
export interface Broker {
  readonly nodeId: number | string
  /** two connections, made when they are first needed: fetches have one of their own, because they wait */
  readonly connectionPool: {
    getConnection(index: 0 | 1): Promise<unknown>
    /** a request that kafkajs does not know */
    send<T>(of: {
      request: {
        apiKey: number
        apiVersion: number
        apiName: string
        encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
      }
      response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> }
    }): Promise<T>
  }
  /** by the number of the request; null before it is connected */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null
  heartbeat(request: Membership & { groupGenerationId: number }): Promise<unknown>
  joinGroup(
    request: Membership & {
      sessionTimeout: number
      rebalanceTimeout: number
      groupProtocols: readonly { name: string; metadata: Buffer }[]
    },
  ): Promise<{
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(
    request: Membership & {
      generationId: number
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
    },
  ): Promise<{ readonly memberAssignment: Buffer }>
  leaveGroup(request: Membership): Promise<unknown>
  offsetCommit(
    request: Membership & {
      groupGenerationId: number
      topics: readonly {
        topic: string
        partitions: readonly { partition: number; offset: string; metadata: string | null }[]
      }[]
    },
  ): Promise<unknown>
  offsetFetch(request: {
    groupId: string
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[]
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { partition: number; offset: string; metadata: string | null }[]
    }[]
  }>
  fetch(request: {
    isolationLevel: number
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    topics: readonly {
      topic: string
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
  }>
  listOffsets(request: {
    isolationLevel: number
    topics: readonly {
      topic: string
      partitions: readonly { partition: number; timestamp: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  initProducerId(request: { transactionalId: string; transactionTimeout: number }): Promise<ProducerIdentity>
  addPartitionsToTxn(
    request: TransactionIdentity & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  produce(
    request: TransactionIdentity & {
      acks: number
      timeout: number
      compression: CompressionTypes
      topicData: readonly {
        topic: string
        partitions: readonly {
          partition: number
          firstSequence: number
          messages: readonly OutgoingMessage[]
        }[]
      }[]
    },
  ): Promise<{
    readonly topics: readonly {
      readonly topicName: string
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[]
    }[]
  }>
  endTxn(request: TransactionIdentity & { transactionResult: boolean }): Promise<unknown>
}

/** What kafkajs knows of the cluster, with connections of its own. */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  /** connects where needed */
  findBroker(node: { readonly nodeId: number | string }): Promise<Broker>
  /** `coordinatorType` 0: of a consumer group; 1: of a transactional id */
  findGroupCoordinator(of: { groupId: string; coordinatorType: 0 | 1 }): Promise<Broker>
}

/** A connection to the cluster of its own, for whoever speaks to Kafka request by request. */
export function clusterOf(kafka: Kafka): Cluster {
  let found: unknown
  kafka.consumer({
    groupId: 'unused: no consumer runs',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return {
          name: '',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: '', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  return found as Cluster
}

/**
 * Kafka's name for an error, such as `REBALANCE_IN_PROGRESS`; else that of kafkajs, such as `KafkaJSConnectionError`.
 * Names hold no values, messages do.
 */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('type' in error && typeof error.type === 'string') return error.type
  // kafkajs wraps what it gave up on
  if (error.cause instanceof Error && error.name.startsWith('KafkaJSN')) return nameOf(error.cause)
  return error.name
}

/** An answer that may take `ms`; rejects with `KafkaTimeout` after it. */
export function answered<T>(ms: number, answer: Promise<T>): Promise<T> {
  return within(answer, ms, () => {
    const error = new Error('Kafka did not answer in time')
    error.name = 'KafkaTimeout'
    return error
  })
}
