/** Sets the quotas of all clients as an operator does (KIP-546; kafkajs has no request for it). */
import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import { clusterOf } from '../kafka/cluster.js'

const ALTER_CLIENT_QUOTAS = 49
const VERSION = 0
const FIRST_NODE = 1
/** of `AlterClientQuotas` 0: error_code follows throttle_time_ms and the length of an array */
const ERROR_AT = 8

/** bytes a second of each client on each broker; null: none */
type Quotas = Readonly<Partial<Record<'producer_byte_rate' | 'consumer_byte_rate', number | null>>>

/** What kafkajs encodes requests with. */
interface Encoder {
  readonly buf: Buffer
  readonly buffer: Buffer
  writeBoolean(value: boolean): this
  writeDouble(value: number): this
  writeString(value: string | null): this
  writeArray(items: readonly Encoder[]): this
  writeEncoder(part: Encoder): this
}

const KafkaEncoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as new () => Encoder

function quotasRequest(quotas: Quotas): Encoder {
  // The entity of a type without a name is its default: every client.
  const everyClient = new KafkaEncoder().writeString('client-id').writeString(null)
  const changes = Object.entries(quotas).map(([quota, value]) =>
    new KafkaEncoder()
      .writeString(quota)
      .writeDouble(value ?? 0)
      .writeBoolean(value === null),
  )
  const entry = new KafkaEncoder().writeArray([everyClient]).writeArray(changes)
  const isTrial = false
  return new KafkaEncoder().writeArray([entry]).writeBoolean(isTrial)
}

/** @throws Error with the code that Kafka answers */
export async function setQuotas(kafka: Kafka, quotas: Quotas): Promise<void> {
  const cluster = clusterOf(kafka)
  await cluster.connect()
  try {
    await cluster.refreshMetadata()
    const broker = await cluster.findBroker({ nodeId: FIRST_NODE })
    const code = await broker.connectionPool.send({
      request: {
        apiKey: ALTER_CLIENT_QUOTAS,
        apiVersion: VERSION,
        apiName: 'AlterClientQuotas',
        encode: async () => quotasRequest(quotas),
      },
      response: { decode: async (bytes) => bytes.readInt16BE(ERROR_AT), parse: async (found) => found },
    })
    if (code !== 0) throw new Error(`Kafka refuses the quotas: error ${String(code)}`)
  } finally {
    await cluster.disconnect()
  }
}
