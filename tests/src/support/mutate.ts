/** Mutations of bytes and texts, from a seed: what a fuzzer sends. */
import type { Random } from '../corpora/parts.js'

/** Pieces at which parsers stumble. */
const PIECES: readonly string[] = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '\\u0000',
  '\\ud800',
  '\\uffff',
  '__proto__',
  'constructor',
  '1e400',
  '-0',
  'null',
  'true',
  '9'.repeat(40),
  '['.repeat(200),
  '{"a":'.repeat(200),
  '%25252540',
  '../',
  '\u202e',
  '\ufeff',
  '\u200b',
  '@',
  '&#64;',
  '\r\n',
  '\u0000',
  '\t',
  ' '.repeat(300),
  'a'.repeat(300),
  '&anchor',
  '*anchor',
  '!!js/function',
  '<<: ',
  '---\n',
  '? ',
  '|\n',
  '0x10',
  '१२३४',
  'ＡＢＣ',
  'é́́',
  '=',
  ';',
  '/'.repeat(100),
]

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const length = random.below(Math.min(40, bytes.length - at + 1))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + length)]
  const piece = bytes.subarray(at, at + length)
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, after])
    case 1:
      return Buffer.concat([before, piece, piece, after])
    case 2:
      return Buffer.concat([before, Buffer.from(random.pick(PIECES)), bytes.subarray(at)])
    case 3:
      return Buffer.concat([before, Buffer.from(random.pick(PIECES)), after])
    case 4: {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << random.below(7))
      return flipped
    }
    case 5:
      return Buffer.concat([before, Buffer.from([random.below(144)]), bytes.subarray(at)])
    default: {
      const from = random.below(bytes.length + 1)
      return Buffer.concat([before, bytes.subarray(from, from + random.below(60)), after])
    }
  }
}

/** One to four mutations, one after the other. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes
  for (let left = 1 + random.below(4); left > 0; left--) mutated = mutateOnce(mutated, random)
  return mutated
}

/** Bytes without any form. */
export function randomBytesOf(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))
}

/** CPU time of this process in ms: unlike the clock's, it is not what else the machine does. */
export function cpuMs(): number {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1000
}
