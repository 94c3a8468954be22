/**
 * Kill points at what a process asks of Kafka, between kafkajs and its sockets: `<what>.before` (nothing is sent),
 * `<what>.sent` (handed to the system, no answer yet) and `<what>.after` (answered, and nobody was told). What it is:
 * `append` (a record of the log), `report`, `boundary` (how far a step goes) and `cursor` (a step is done).
 */
import { Socket } from 'node:net'

/** Kafka's wire protocol: int32 length, int16 kind of request, int16 version, int32 correlation. */
const PRODUCE = 0
const OFFSET_COMMIT = 8
const HEADER_BYTES = 12
/** The topic stands in the front of a request, before its records. */
const FRONT_BYTES = 512

function requestOf(chunk: unknown): { readonly what: string; readonly correlation: Buffer } | null {
  if (!(chunk instanceof Uint8Array) || chunk.length < HEADER_BYTES) return null
  const frame = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (frame.readInt32BE(0) !== frame.length - 4) return null
  const what = whatOf(frame)
  return what === null ? null : { what, correlation: Buffer.from(frame.subarray(8, HEADER_BYTES)) }
}

function whatOf(frame: Buffer): string | null {
  const front = frame.subarray(0, FRONT_BYTES)
  switch (frame.readInt16BE(4)) {
    case PRODUCE:
      if (front.includes('tacit.log')) return 'append'
      return front.includes('tacit.reports') ? 'report' : null
    case OFFSET_COMMIT:
      // The boundary of services/aggregator/src/stager.ts; with a cursor that is done there is none.
      return frame.includes('{"last":') ? 'boundary' : 'cursor'
    default:
      return null
  }
}

/** @param reach is told of each point */
export function watchKafka(reach: (point: string) => void): void {
  const { write } = Socket.prototype
  Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
    const request = requestOf(args[0])
    if (request === null) return write.apply(this, args)
    const { correlation, what } = request
    reach(`${what}.before`)
    const went = write.apply(this, args)
    reach(`${what}.sent`)
    const look = (chunk: Buffer): void => {
      if (!chunk.includes(correlation)) return
      this.off('data', look)
      reach(`${what}.after`)
    }
    this.prependListener('data', look)
    return went
  } as typeof write
}
