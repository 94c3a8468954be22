/** Escapes within a text: percent-encoding, HTML entities, units of UTF-16. One pass each, and linear whatever comes in. */

/** `%2540` is `@` encoded twice; more rounds are nobody's mistake. */
const MAX_ROUNDS = 3
/** The longest name of an entity that is decoded: `hyphen`, `period`, `percnt`. */
const MAX_NAME = 6
const MAX_CODE_POINT = 0x10ffff
const AMPERSAND = 0x26
const SEMICOLON = 0x3b
const PERCENT = 0x25
const BACKSLASH = 0x5c
/** `\u0040`, `%u0040` */
const UNIT_ESCAPE = 6

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

/** Names that HTML reads without a semicolon too (WHATWG, named character references). */
const BARE = ['nbsp', 'quot', 'amp', 'shy', 'lt', 'gt'] as const

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Bytes of a run of `%XX` from `at` on. */
function escapedBytes(text: string, at: number): readonly number[] {
  const bytes: number[] = []
  for (let end = at; text.charCodeAt(end) === PERCENT; end += 3) {
    const high = hexValue(text.charCodeAt(end + 1))
    const low = hexValue(text.charCodeAt(end + 2))
    if (high < 0 || low < 0) break
    bytes.push(high * 16 + low)
  }
  return bytes
}

/** Decodes every %XX that is one, as UTF-8; what is none stays as it is. */
export function percentDecoded(text: string): string {
  let out = ''
  let plain = 0
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', Math.max(at + 1, plain))) {
    const bytes = escapedBytes(text, at)
    if (bytes.length === 0) continue
    // Most are single ASCII characters, for which a Buffer costs more than all the rest.
    const isAscii = bytes.length === 1 && (bytes[0] as number) < 0x80
    out += text.slice(plain, at)
    out += isAscii ? String.fromCharCode(bytes[0] as number) : Buffer.from(bytes).toString('utf8')
    plain = at + 3 * bytes.length
  }
  return plain === 0 ? text : out + text.slice(plain)
}

interface Reference {
  readonly decoded: string
  /** where the text goes on */
  readonly end: number
}

/** `&#64;`, `&#0064`, `&#x40`: any number of zeros, with or without a semicolon, as HTML reads them. */
function numericReference(text: string, at: number): Reference | null {
  const isHexadecimal = (text.charCodeAt(at + 2) | 0x20) === 0x78
  const base = isHexadecimal ? 16 : 10
  const start = at + (isHexadecimal ? 3 : 2)
  let end = start
  let code = 0
  let endOfAt = -1
  for (; end < text.length; end++) {
    const digit = hexValue(text.charCodeAt(end))
    if (digit < 0 || digit >= base) break
    code = Math.min(code * base + digit, MAX_CODE_POINT + 1)
    if (code === 0x40) endOfAt = end + 1
  }
  if (end === start) return null
  if (text.charCodeAt(end) === SEMICOLON) end++
  // `&#x40example.in`: a browser takes the `e` for a digit, whoever forgot the semicolon did not.
  else if (endOfAt > 0) return { decoded: '@', end: endOfAt }
  if (code > MAX_CODE_POINT || (code >= 0xd800 && code <= 0xdfff)) return null
  return { decoded: String.fromCodePoint(code), end }
}

function namedReference(text: string, at: number): Reference | null {
  const first = text.charCodeAt(at + 1) | 0x20
  if (first < 0x61 || first > 0x7a) return null
  const name = text.slice(at + 1, at + 2 + MAX_NAME).toLowerCase()
  const end = name.indexOf(';')
  const decoded = end > 0 ? ENTITIES.get(name.slice(0, end)) : undefined
  if (decoded !== undefined) return { decoded, end: at + end + 2 }
  const bare = BARE.find((one) => name.startsWith(one))
  return bare === undefined ? null : { decoded: ENTITIES.get(bare) ?? '', end: at + 1 + bare.length }
}

/** Decodes HTML entities: names with their semicolon (those of {@link BARE} without, too), numbers with or without. */
export function entityDecoded(text: string): string {
  let out = ''
  let plain = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', Math.max(at + 1, plain))) {
    const isNumeric = text.charCodeAt(at + 1) === 0x23
    const reference = isNumeric ? numericReference(text, at) : namedReference(text, at)
    if (reference === null) continue
    out += text.slice(plain, at) + reference.decoded
    plain = reference.end
  }
  return plain === 0 ? text : out + text.slice(plain)
}

/** The unit that four hexadecimal digits name, or -1. */
function unitAt(text: string, at: number): number {
  let unit = 0
  for (let place = at; place < at + 4; place++) {
    const digit = hexValue(text.charCodeAt(place))
    if (digit < 0) return -1
    unit = unit * 16 + digit
  }
  return unit
}

/**
 * Decodes `\u0040` (JSON within a text, quoted as often as it was) and `%u0040` (JavaScript's `escape`). Two units of a
 * pair come together by themselves.
 */
export function unitDecoded(text: string): string {
  let out = ''
  let plain = 0
  for (let at = text.indexOf('u'); at >= 0; at = text.indexOf('u', Math.max(at + 1, plain))) {
    const before = at > plain ? text.charCodeAt(at - 1) : 0
    if (before !== BACKSLASH && before !== PERCENT) continue
    const unit = unitAt(text, at + 1)
    if (unit < 0) continue
    let start = at - 1
    while (before === BACKSLASH && start > plain && text.charCodeAt(start - 1) === BACKSLASH) start--
    out += text.slice(plain, start) + String.fromCharCode(unit)
    plain = at + UNIT_ESCAPE - 1
  }
  return plain === 0 ? text : out + text.slice(plain)
}

/** Whether a text may hold escapes at all. */
export function mayHoldEscapes(text: string): boolean {
  return text.includes('%') || text.includes('&') || text.includes('\\')
}

/** The text without its escapes, three layers deep. */
export function unescaped(text: string): string {
  let plain = text
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const decoded = entityDecoded(percentDecoded(unitDecoded(plain)))
    if (decoded === plain) break
    plain = decoded
  }
  return plain
}

/** Characters of an escape that two texts may have together: `&#x1D7CE;`, and some zeros. */
export const MAX_ESCAPE = 24

/** Where at the end of a text an escape begins that the next text could finish; -1 where none does. */
export function unfinishedEscape(text: string): number {
  const { length } = text
  for (let at = length - 1; at >= 0 && at >= length - MAX_ESCAPE; at--) {
    const code = text.charCodeAt(at)
    const left = length - at
    if (code === AMPERSAND || (code === PERCENT && left <= 2)) return at
    // A unit: `\`, `\u`, `\u004` …, and the same behind a percent sign.
    const isUnit = left < UNIT_ESCAPE && (left === 1 || text.charCodeAt(at + 1) === 0x75)
    if (isUnit && (code === BACKSLASH || code === PERCENT)) return at
    if (code === SEMICOLON) return -1
  }
  return -1
}
