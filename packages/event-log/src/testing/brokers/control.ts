/** Our own questions to brokers, asked at the listener that no proxy stands before. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import type { Access } from './shapes.js'

/** What is asked again and again: whether somebody answers at all. */
const PROBE_WITHIN_MS = 2_000
/** What is asked once, of a machine that may be busy. */
const ANSWER_WITHIN_MS = 20_000

/** Asks brokers once; kafkajs does not retry and prints nothing. */
export async function ask<T>(
  access: Access,
  question: (admin: Admin) => Promise<T>,
  withinMs: number = ANSWER_WITHIN_MS,
): Promise<T> {
  const kafka = new Kafka({
    clientId: 'tacit-brokers',
    brokers: [...access.brokers],
    ssl: access.tls === null ? false : { ca: [access.tls.ca], cert: access.tls.cert, key: access.tls.key },
    ...(access.sasl === null ? {} : { sasl: { mechanism: 'scram-sha-512', ...access.sasl } }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: withinMs,
    authenticationTimeout: withinMs,
    requestTimeout: withinMs,
    enforceRequestTimeout: true,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await question(admin)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

/** The cluster's id and the nodes that take part, as one broker sees them now; null where it does not answer. */
export async function membersSeenBy(access: Access): Promise<{ clusterId: string; ids: number[] } | null> {
  try {
    const { clusterId, brokers } = await ask(access, (admin) => admin.describeCluster(), PROBE_WITHIN_MS)
    return { clusterId, ids: brokers.map(({ nodeId }) => nodeId) }
  } catch {
    return null
  }
}

/** Whether every partition has a leader and all its replicas in sync; false also where nobody answers. */
export async function isWhole(access: Access, nodes: number): Promise<boolean> {
  try {
    const question = async (admin: Admin): Promise<boolean> => {
      const { brokers } = await admin.describeCluster()
      if (brokers.length < nodes) return false
      const names = await admin.listTopics()
      if (names.length === 0) return true
      const { topics } = await admin.fetchTopicMetadata({ topics: names })
      return topics.every(({ partitions }) =>
        partitions.every(({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length),
      )
    }
    return await ask(access, question, PROBE_WITHIN_MS)
  } catch {
    return false
  }
}

/** Asks again and again. @returns false where the answer stays no */
export async function until(
  condition: () => Promise<boolean>,
  withinMs: number,
  everyMs: number,
): Promise<boolean> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await condition()) return true
    if (performance.now() > deadline) return false
    await sleep(everyMs)
  }
}
