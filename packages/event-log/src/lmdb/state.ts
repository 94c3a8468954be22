/**
 * The small values beside the records: cursors, the hours of runs, and the highest position ever given out. Each is
 * JSON behind a CRC-32, so that a flipped bit is seen and never believed.
 */
import { crc32 } from 'node:zlib'
import type { Cursor } from '../port.js'

/** Positions up to this one were given out, whether or not their records still stand. */
export const FLOOR_KEY = 'floor'
export const CURSOR_PREFIX = 'cursor:'
export const RUN_PREFIX = 'run:'
/** LMDB keys are at most 1,978 bytes; a consumer group's name needs far less. */
export const MAX_GROUP_LENGTH = 200
/** A boundary is one small JSON text of the aggregator. */
export const MAX_BOUNDARY_LENGTH = 64 * 1024

export function writeState(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value))
  const bytes = Buffer.allocUnsafe(4 + json.length)
  bytes.writeUInt32BE(crc32(json), 0)
  json.copy(bytes, 4)
  return bytes
}

/** The value; undefined where it is damaged. */
export function readState(bytes: Buffer): unknown {
  if (bytes.length < 4) return undefined
  const json = bytes.subarray(4)
  if (bytes.readUInt32BE(0) !== crc32(json)) return undefined
  return JSON.parse(json.toString('utf8'))
}

/** A cursor as stored; null where the value is none. */
export function asCursor(value: unknown): Cursor | null {
  if (typeof value !== 'object' || value === null) return null
  if (!('position' in value) || !('boundary' in value)) return null
  const { position, boundary } = value
  if (typeof position !== 'number' || !Number.isSafeInteger(position) || position < 0) return null
  if (boundary !== null && typeof boundary !== 'string') return null
  return { position, boundary }
}
