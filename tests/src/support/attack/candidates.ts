/**
 * Every 32 bytes in the loot that may be a key.
 *
 * - Secrets that the master key file unwraps: each wrapped secret in any file, free pages too, under each name it may
 *   have had: the names of the directory and of the audit log, and those of any day, week, month and hour of the year.
 * - Windows of 32 bytes at every offset of every file with at least 20 different bytes among them: 32 random bytes have
 *   fewer once in ten million times.
 * - Text in hexadecimal and base64(url), in files and in strings of the heap snapshot, decoded at each alignment, and
 *   strings whose characters are bytes: their windows likewise.
 * Keys that lie encrypted otherwise, in pieces or reversed are not found; nothing of the house stores them so.
 */
import { unwrapped } from '@tacit/keeper/testing'
import type { Loot } from './loot.js'

const KEY_BYTES = 32
const MIN_DIFFERENT = 20
const MAGIC = Buffer.from('TKR1', 'latin1')
/** after the reference: nonce, secret and tag */
const WRAPPED_BYTES = 64
const DAY = 86_400_000
const HEX = /[0-9a-fA-F]{64,}/g
const BASE64 = /[A-Za-z0-9+/_-]{43,}/g

/** What the keeper may have called its files. @param around ms, a moment of the time in question */
function namesAround(around: number): string[] {
  const names: string[] = []
  for (let day = -200; day <= 200; day++) {
    const date = new Date(around + day * DAY).toISOString().slice(0, 10)
    names.push(`day-${date}.root`, `week-${date}.root`)
    if (day % 28 === 0) names.push(`month-${date.slice(0, 7)}.root`)
  }
  return names
}

/** File names that texts in the loot tell, and ids of the audit log as file names. */
function namesIn(loot: readonly Loot[]): string[] {
  return loot.flatMap(({ bytes, name }) => {
    const text = `${name}\n${bytes.toString('latin1')}`
    const ids = text.match(/(?:tenant|site)[:-][0-9a-f]{32}/g) ?? []
    const epochs = text.match(/(?:day|week|month|hour)[:-]\d{4}-[0-9TW-]{2,8}/g) ?? []
    return [...ids, ...epochs].map((id) => {
      const stem = id.replace(':', '-')
      return stem.startsWith('hour') ? `${stem}.key` : `${stem}.root`
    })
  })
}

/** All that the master key file still unwraps. @param around ms */
export function unwrappedSecrets(loot: readonly Loot[], master: Buffer, around: number): Buffer[] {
  const names = new Set([
    ...namesAround(around),
    ...namesIn(loot),
    ...loot.map(({ name }) => name.slice(name.lastIndexOf('/') + 1)),
  ])
  const found: Buffer[] = []
  for (const { bytes } of loot) {
    for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
      const end = at + MAGIC.length + 1 + (bytes[at + MAGIC.length] ?? 0) + WRAPPED_BYTES
      if (end > bytes.length) continue
      const copy = bytes.subarray(at, end)
      for (const name of names) {
        const secret = unwrapped(copy, name, master)
        if (secret !== null) found.push(secret)
      }
    }
  }
  return found
}

/** Windows of 32 bytes that may be random, each at its place in `bytes`: not a copy. */
export function* windowsOf(bytes: Buffer): Generator<Buffer> {
  const counts = new Uint32Array(256)
  let different = 0
  for (let at = 0; at < bytes.length; at++) {
    const came = bytes[at] as number
    if (counts[came] === 0) different += 1
    ;(counts[came] as number) += 1
    if (at >= KEY_BYTES) {
      const went = bytes[at - KEY_BYTES] as number
      ;(counts[went] as number) -= 1
      if (counts[went] === 0) different -= 1
    }
    if (at >= KEY_BYTES - 1 && different >= MIN_DIFFERENT) yield bytes.subarray(at + 1 - KEY_BYTES, at + 1)
  }
}

/** Bytes that a text may stand for. */
export function* decodedOf(text: string): Generator<Buffer> {
  for (const [run] of text.matchAll(HEX)) {
    yield Buffer.from(run, 'hex')
    yield Buffer.from(run.slice(1), 'hex')
  }
  for (const [run] of text.matchAll(BASE64)) {
    for (let start = 0; start < 4; start++) yield Buffer.from(run.slice(start), 'base64')
  }
}

/** A string each of whose characters is a byte, and not ASCII all of it. */
export function isBinary(text: string): boolean {
  return text.length >= KEY_BYTES && /^[\0-\xff]*$/.test(text) && /[\x80-\xff]/.test(text)
}
