/**
 * Which topic of a name it is: the id that Kafka gave it when it was made. A topic that was deleted and made anew has
 * another one, and positions of the former one mean nothing in it, also where it is longer by now.
 *
 * kafkajs ends at version 6 of the Metadata request; ids come with version 10 (KIP-516). So this one is written here, of
 * which only the beginning of the answer is read. It is of the flexible kind (KIP-482): lengths are one more than they
 * say, as varints; each structure ends with a list of tagged fields, which is empty here.
 */
import { type Broker, answered } from './cluster.js'

const METADATA = 3
const VERSION = 10
const ANSWER_MS = 8_000
const ID_BYTES = 16
const NO_TAGS = Buffer.from([0])

/**
 * The id of a topic, as this broker knows it: 32 hexadecimal digits. A broker that serves a topic made anew says so here
 * before (it takes in what the topics are before it opens their logs). null where it gives no ids (Kafka before 2.8).
 * Rejects where there is no such topic.
 */
export async function topicIdOf(broker: Broker, topic: string): Promise<string | null> {
  if ((broker.versions?.[METADATA]?.maxVersion ?? 0) < VERSION) return null
  const request = broker.connectionPool.send({
    request: { apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata', encode: () => encoded(topic) },
    response: { decode: async (payload) => decoded(payload), parse: async (answer) => answer },
  })
  const { error, id } = await answered(ANSWER_MS, request)
  if (error !== 0) throw new Error('the topic is not known')
  return /^0+$/.test(id) ? null : id
}

/** As kafkajs takes what it has not encoded itself. */
async function encoded(topic: string): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }> {
  const name = Buffer.from(topic, 'utf8')
  const body = Buffer.concat([
    // of the header
    NO_TAGS,
    // one topic, by its name and no id
    varint(2),
    Buffer.alloc(ID_BYTES),
    varint(name.length + 1),
    name,
    NO_TAGS,
    // it is not to be made, and nobody asks who may do what
    Buffer.from([0, 0, 0]),
    NO_TAGS,
  ])
  return { buf: body, buffer: body }
}

interface Answer {
  readonly error: number
  readonly id: string
  /** ms; as kafkajs calls it */
  readonly clientSideThrottleTime: number
}

function decoded(payload: Buffer): Answer {
  let at = 0
  const skip = (bytes: number): number => {
    at += bytes
    return at - bytes
  }
  const length = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = payload.readUInt8(skip(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  const text = (): number => skip(Math.max(0, length() - 1))
  const tags = (): void => {
    for (let left = length(); left > 0; left--) {
      length()
      skip(length())
    }
  }
  tags()
  const clientSideThrottleTime = payload.readInt32BE(skip(4))
  for (let brokers = length() - 1; brokers > 0; brokers--) {
    // number, host, port, rack
    skip(4)
    text()
    skip(4)
    text()
    tags()
  }
  // cluster and controller
  text()
  skip(4)
  if (length() !== 2) throw new Error('Kafka told of something else')
  const error = payload.readInt16BE(skip(2))
  text()
  const from = skip(ID_BYTES)
  return { error, id: payload.toString('hex', from, from + ID_BYTES), clientSideThrottleTime }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) + 0x80)
  return Buffer.from([...bytes, left])
}
