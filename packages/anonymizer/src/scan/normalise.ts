/**
 * Texts as the detectors read them: decoded, compatibility-normalised, digits of every script as ASCII, invisible
 * characters gone. Source: privacy.md 2.8.
 *
 * Each character is read by itself, not the text as a whole: what a text reads as does then not depend on what stands
 * before it, so that texts which are put together later need not be read again. And no text grows: a character whose
 * compatibility form holds nothing that an identifier is made of (U+FDFA is eighteen characters long) stays one.
 */
import { mayHoldEscapes, unescaped } from './escapes.js'

/** First digits of the decimal scripts (Unicode, general category Nd); NFKC maps only some of them. */
const ZEROS = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
  0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
  0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x11066, 0x110f0, 0x11136, 0x111d0,
  0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
  0x16b50, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
] as const

/** Characters that read like one of ours once NFKC is done. */
const LIKE: ReadonlyMap<number, string> = new Map([
  [0x3002, '.'],
  [0xff61, '.'],
  [0x2024, '.'],
  [0x00b7, '.'],
  [0x2022, '.'],
  [0x2215, '/'],
  [0x2044, '/'],
])

/** Letters in a circle: `a` to NFKC, `@` to a reader. */
const CIRCLED_A = /[\u24d0\u24b6]/
const EVERY_CIRCLED_A = /[\u24d0\u24b6]/g

// Formatting characters (zero-width, bidirectional, soft hyphen), variation selectors, fillers, combining joiner.
const INVISIBLE = /[\p{Cf}\p{Mn}\u115F\u1160\u3164\uFFA0\u2800]/u
/** Spaces and line ends beyond ASCII. */
const SPACE = /[\p{Z}\u0080-\u009f]/u

function asciiDigit(code: number): string | null {
  for (const zero of ZEROS) {
    if (code < zero) return null
    if (code < zero + 10) return String(code - zero)
  }
  return null
}

/** One character of a compatibility form, as it reads. */
function plainPart(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return character
  const digit = asciiDigit(code)
  if (digit !== null) return digit
  const like = LIKE.get(code)
  if (like !== undefined) return like
  if (INVISIBLE.test(character)) return ''
  if (/\p{Pd}/u.test(character)) return '-'
  return SPACE.test(character) ? ' ' : character
}

/** One character of a text beyond ASCII, as it reads. */
function plainCharacter(character: string): string {
  let out = ''
  for (const part of character.normalize('NFKC')) out += plainPart(part)
  return out.trim() === '' || /[!-~]/.test(out) ? out : character
}

/** What is known of the characters of the Basic Multilingual Plane: 0 nothing yet, 1 reads as itself, 2 as `READS_AS` says. */
const KNOWN = new Uint8Array(0x10000)
const READS_AS = new Map<number, string>()

function basicCharacter(code: number): string | null {
  if (KNOWN[code] === 0) {
    const character = String.fromCharCode(code)
    const plain = plainCharacter(character)
    KNOWN[code] = plain === character ? 1 : 2
    if (plain !== character) READS_AS.set(code, plain)
  }
  return KNOWN[code] === 1 ? null : (READS_AS.get(code) ?? '')
}

/** Each character beyond ASCII as it reads. */
function readCharacters(text: string): string {
  let out = ''
  let plain = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x80) continue
    const point = code >= 0xd800 && code <= 0xdbff ? (text.codePointAt(at) ?? code) : code
    const width = point > 0xffff ? 2 : 1
    const character = width === 2 ? plainCharacter(String.fromCodePoint(point)) : basicCharacter(code)
    if (character !== null) {
      out += text.slice(plain, at) + character
      plain = at + width
    }
    at += width - 1
  }
  return plain === 0 ? text : out + text.slice(plain)
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** What a text reads as, and as what else. */
export interface Readings {
  readonly plain: string
  /** with `@` for letters in a circle; null where it has none */
  readonly circled: string | null
}

/** Characters of a decoded text as they read. */
function plainOf(decoded: string): string {
  const plain = readCharacters(decoded)
  // A percent sign in full width is one now.
  return plain !== decoded && mayHoldEscapes(plain) ? readCharacters(unescaped(plain)) : plain
}

export function readingsOf(text: string): Readings {
  const decoded = mayHoldEscapes(text) ? unescaped(text) : text
  if (isAscii(decoded)) return { plain: decoded, circled: null }
  const circled = CIRCLED_A.test(decoded) ? plainOf(decoded.replace(EVERY_CIRCLED_A, '@')) : null
  return { plain: plainOf(decoded), circled }
}

/** The text as a reader would take it. */
export function normalised(text: string): string {
  return readingsOf(text).plain
}
