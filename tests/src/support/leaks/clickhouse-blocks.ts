/**
 * ClickHouse's compressed files, decoded: frames of
 *
 *     checksum (16 bytes) · method (1) · size with this header of 9 (u32 LE) · decoded size (u32 LE) · data
 *
 * Source: ClickHouse, src/Compression/CompressionInfo.h and CompressedReadBufferBase.cpp. A method that is not known
 * here is an error: what cannot be read must not pass for clean.
 */
import { decodeLz4Block } from './lz4-block.js'

const CHECKSUM = 16
const HEADER = 9
const NONE = 0x02
const LZ4 = 0x82

/** Data, primary keys and marks of a part. */
const COMPRESSED = /\.(bin|cidx|cmrk\d?)$/
/** A part's list of files: this line, then one frame. */
const CHECKSUMS = Buffer.from('checksums format version: 4\n')

function decodeFrame(file: Buffer, at: number): { data: Buffer; end: number } {
  const body = at + CHECKSUM
  if (body + HEADER > file.length) throw new RangeError('a frame is cut short')
  const method = file.readUInt8(body)
  const end = body + file.readUInt32LE(body + 1)
  const size = file.readUInt32LE(body + 5)
  if (end > file.length || end < body + HEADER) throw new RangeError('a frame is cut short')
  const data = file.subarray(body + HEADER, end)
  if (method === NONE && data.length === size) return { data, end }
  if (method === LZ4) return { data: decodeLz4Block(data, size), end }
  throw new RangeError(`compression method 0x${method.toString(16)} is not read here`)
}

/**
 * The decoded content of a file of ClickHouse, frames joined, because a value may cross them; null for a file that is not compressed.
 * @throws RangeError where it should be readable and is not
 */
export function decodeClickHouseFile(name: string, file: Buffer): Buffer | null {
  const isList = file.subarray(0, CHECKSUMS.length).equals(CHECKSUMS)
  if (!isList && !COMPRESSED.test(name)) return null
  const parts: Buffer[] = []
  for (let at = isList ? CHECKSUMS.length : 0; at < file.length; ) {
    const { data, end } = decodeFrame(file, at)
    parts.push(data)
    at = end
  }
  return Buffer.concat(parts)
}
