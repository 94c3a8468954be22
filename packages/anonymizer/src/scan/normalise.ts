/**
 * Texts as the detectors read them: decoded, compatibility-normalised, digits of every script as ASCII, invisible
 * characters gone. Each step is one pass, so the whole is linear in the text. Source: privacy.md 2.8.
 */

/** `%2540` is `@` encoded twice; more rounds are nobody's mistake. */
const MAX_ROUNDS = 3
/** The longest entity that is decoded, `&commat;` and `&#x1D7CE;` included. */
const MAX_ENTITY = 10

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['commat', '@'],
  ['period', '.'],
  ['lowbar', '_'],
  ['hyphen', '-'],
  ['dash', '-'],
  ['plus', '+'],
  ['num', '#'],
  ['percnt', '%'],
  ['sol', '/'],
  ['colon', ':'],
  ['shy', ''],
  ['zwj', ''],
  ['zwnj', ''],
])

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
  [0x24d0, 'a'],
])

// Formatting characters (zero-width, bidirectional, soft hyphen), variation selectors, fillers, combining joiner.
const INVISIBLE = /[\p{Cf}\p{Mn}\u115F\u1160\u3164\uFFA0\u2800]/u

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Decodes every %XX that is one, as UTF-8; what is none stays as it is. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text
  let out = ''
  let plain = 0
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== 0x25) continue
    const bytes: number[] = []
    let end = at
    while (text.charCodeAt(end) === 0x25) {
      const high = hexValue(text.charCodeAt(end + 1))
      const low = hexValue(text.charCodeAt(end + 2))
      if (high < 0 || low < 0) break
      bytes.push(high * 16 + low)
      end += 3
    }
    if (bytes.length === 0) continue
    out += text.slice(plain, at) + Buffer.from(bytes).toString('utf8')
    plain = end
    at = end - 1
  }
  return out + text.slice(plain)
}

function entity(name: string): string | undefined {
  if (name.charCodeAt(0) !== 0x23) return ENTITIES.get(name.toLowerCase())
  const hexadecimal = (name.charCodeAt(1) | 0x20) === 0x78
  const digits = name.slice(hexadecimal ? 2 : 1)
  if (!(hexadecimal ? /^[0-9a-f]{1,6}$/i : /^\d{1,7}$/).test(digits)) return undefined
  const code = Number.parseInt(digits, hexadecimal ? 16 : 10)
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : undefined
}

/** Decodes HTML entities, with or without their semicolon where they are numbers. */
export function entityDecoded(text: string): string {
  if (!text.includes('&')) return text
  let out = ''
  let plain = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    if (at < plain) continue
    const window = text.slice(at + 1, at + 1 + MAX_ENTITY)
    const end = window.indexOf(';')
    const decoded = end > 0 ? entity(window.slice(0, end)) : undefined
    if (decoded === undefined) continue
    out += text.slice(plain, at) + decoded
    plain = at + end + 2
  }
  return out + text.slice(plain)
}

function asciiDigit(code: number): string | null {
  for (const zero of ZEROS) {
    if (code < zero) return null
    if (code < zero + 10) return String(code - zero)
  }
  return null
}

/** One character of a text beyond ASCII, as it reads. */
function plainCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return character
  const digit = asciiDigit(code)
  if (digit !== null) return digit
  const like = LIKE.get(code)
  if (like !== undefined) return like
  if (INVISIBLE.test(character)) return ''
  if (/\p{Pd}/u.test(character)) return '-'
  return /\p{Zs}/u.test(character) ? ' ' : character
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** The text as a reader would take it. */
export function normalised(text: string): string {
  let plain = text
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const decoded = entityDecoded(percentDecoded(plain))
    if (decoded === plain) break
    plain = decoded
  }
  if (isAscii(plain)) return plain
  let out = ''
  for (const character of plain.normalize('NFKC')) out += plainCharacter(character)
  return out
}
