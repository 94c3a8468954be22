/**
 * The frame of a record, in bytes, big-endian:
 *
 *     0  crc-32 (u32) of position (u48) and of everything from offset 4
 *     4  format (u8) = 1
 *     5  hour of receipt (u48), ms
 *    11  length (u32)
 *    15  the sealed batch
 *
 * LMDB has no page checksums, so the frame carries its own; the position is in the sum, so that a record that is found
 * under another record's key is damaged too.
 */
import { crc32 } from 'node:zlib'

export const HEADER_BYTES = 15
/** Positions are 48-bit keys: at 3,000 records a second they last 2,900 years. */
export const POSITION_BYTES = 6
/** A sealed batch is at most a few times 64 KiB; a larger value is a mistake of the caller. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024

const FORMAT = 1
const MAX_HOUR = 2 ** 48 - 1

/** @returns whether an hour (ms since the epoch) fits a frame */
export function isHour(hour: number): boolean {
  return Number.isSafeInteger(hour) && hour >= 0 && hour <= MAX_HOUR
}

/** The key of a position: big-endian, so that LMDB's byte order is the order of positions. */
export function positionKey(position: number): Buffer {
  const key = Buffer.allocUnsafe(POSITION_BYTES)
  key.writeUIntBE(position, 0, POSITION_BYTES)
  return key
}

/** The position of a key; null where its length is wrong. */
export function keyPosition(key: Buffer): number | null {
  return key.length === POSITION_BYTES ? key.readUIntBE(0, POSITION_BYTES) : null
}

/** A frame that lacks only its checksum, which `sealFrame` adds when the position is known. Copies `bytes`. */
export function openFrame(bytes: Uint8Array, hour: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length)
  frame.writeUInt8(FORMAT, 4)
  frame.writeUIntBE(hour, 5, 6)
  frame.writeUInt32BE(bytes.length, 11)
  frame.set(bytes, HEADER_BYTES)
  return frame
}

/** Writes the checksum of a frame for its position. */
export function sealFrame(frame: Buffer, position: number): void {
  frame.writeUInt32BE(checksum(frame, position), 0)
}

/** What a frame holds; null where it is torn, flipped, of another position or of an unknown format. */
export function readFrame(frame: Buffer, position: number): { hour: number; bytes: Buffer } | null {
  if (frame.length < HEADER_BYTES || frame.readUInt8(4) !== FORMAT) return null
  if (frame.readUInt32BE(11) !== frame.length - HEADER_BYTES) return null
  if (frame.readUInt32BE(0) !== checksum(frame, position)) return null
  return { hour: frame.readUIntBE(5, 6), bytes: frame.subarray(HEADER_BYTES) }
}

function checksum(frame: Buffer, position: number): number {
  return crc32(frame.subarray(4), crc32(positionKey(position)))
}
