/**
 * Runs: how letters and digits hang together in a text. A group is a longest run of ASCII letters and digits. Between two
 * groups stand separators (`98765 43210`, `2345 - 6789 - 0124`), collapsed and written as one number; or a break, across
 * which nothing is one identifier.
 */

/** What a character is to a run; separators from BLANK on, those of lists and paths from FIRST_OF_LISTS on. */
const OTHER = 0
const DIGIT = 1
const LETTER = 2
const BLANK = 3
const FIRST_OF_LISTS = 10

/** By code, for ASCII. The order of separators is that of their numbers in a {@link Separator}. */
const KINDS = new Uint8Array(0x80)
// Tabs, line ends and other controls are spaces.
KINDS.fill(BLANK, 0, 0x21)
KINDS[0x7f] = BLANK
for (const [at, mark] of [...'-._()+,/'].entries()) KINDS[mark.charCodeAt(0)] = BLANK + 1 + at
KINDS.fill(DIGIT, 0x30, 0x3a)
KINDS.fill(LETTER, 0x41, 0x5b)
KINDS.fill(LETTER, 0x61, 0x7b)

/**
 * What stands between two groups: {@link NONE}, a break (below zero), or separators of four bits each, the last one lowest, any
 * number of spaces as one. {@link LISTED} is set where one of them parts lists or paths.
 */
export type Separator = number
export const NONE: Separator = 0
const BREAK: Separator = -1
const BREAK_AND_SLASH: Separator = -2
export const SPACE: Separator = BLANK
export const DOT: Separator = 5
export const COMMA: Separator = FIRST_OF_LISTS | (1 << 24)
const SLASH = 11
const LISTED = 1 << 24
const NUMBERS = LISTED - 1
/** Separators between two groups at most, collapsed: `- - -`. */
const MAX_SEPARATORS = 5
const FULL = 16 ** (MAX_SEPARATORS - 1)

/** The groups of a text. Offsets count its letters and digits alone, as if nothing stood between the groups. */
export interface Runs {
  readonly text: string
  /** where each group begins in the text */
  readonly places: readonly number[]
  /** the offset of each group, and of the end */
  readonly starts: readonly number[]
  /** what stands before each group, and after the last */
  readonly separators: readonly Separator[]
  /** digits before each offset */
  readonly digits: readonly number[]
}

function kindOf(code: number): number {
  return code < 0x80 ? (KINDS[code] as number) : OTHER
}

export function isWord(code: number): boolean {
  const kind = kindOf(code)
  return kind === DIGIT || kind === LETTER
}

export function isBreak(separator: Separator): boolean {
  return separator < 0
}

export function isListed(separator: Separator): boolean {
  return separator > 0 && (separator & LISTED) !== 0
}

export function endsWithSlash(separator: Separator): boolean {
  return separator === BREAK_AND_SLASH || (separator > 0 && (separator & 15) === SLASH)
}

function extended(separator: Separator, kind: number): Separator {
  if (isBreak(separator) || kind === OTHER) return kind === SLASH ? BREAK_AND_SLASH : BREAK
  const numbers = separator & NUMBERS
  if (kind === BLANK && (numbers & 15) === BLANK) return separator
  if (numbers >= FULL) return BREAK
  const listed = (separator & LISTED) | (kind >= FIRST_OF_LISTS ? LISTED : 0)
  return ((numbers << 4) | kind | listed) as Separator
}

/** Two separators with nothing between. */
export function together(first: Separator, second: Separator): Separator {
  if (isBreak(second)) return second
  let separator = first
  for (let shift = 4 * (MAX_SEPARATORS - 1); shift >= 0; shift -= 4) {
    const kind = (second >> shift) & 15
    if (kind !== 0) separator = extended(separator, kind)
  }
  return separator
}

/** Letters and digits of groups `first` to `last` that lie from one offset to another, in capitals. */
export function lettersOf(runs: Runs, first: number, last: number, from: number, to: number): string {
  const { places, starts, text } = runs
  // Where nothing stands between the groups, as at a seam.
  if (places === starts) return text.slice(from, to)
  let letters = ''
  for (let at = first; at <= last; at++) {
    const start = starts[at] as number
    const place = (places[at] as number) - start
    letters += text.slice(place + Math.max(start, from), place + Math.min(starts[at + 1] as number, to))
  }
  return letters.toUpperCase()
}

/** The groups of a text; one pass. */
export function runsOf(text: string): Runs {
  const places: number[] = []
  const starts: number[] = []
  const separators: Separator[] = []
  // A typed array lies outside of V8's heap, and takes longer to make than a short text to read.
  const digits = [0]
  let letters = 0
  let count = 0
  let separator = NONE
  let isWithin = false
  for (let at = 0; at < text.length; at++) {
    const kind = kindOf(text.charCodeAt(at))
    if (kind === DIGIT || kind === LETTER) {
      if (!isWithin) {
        places.push(at)
        starts.push(letters)
        separators.push(separator)
        separator = NONE
        isWithin = true
      }
      letters++
      if (kind === DIGIT) count++
      digits.push(count)
    } else {
      separator = extended(separator, kind)
      isWithin = false
    }
  }
  starts.push(letters)
  separators.push(separator)
  return { text, places, starts, separators, digits }
}

/** The digits of {@link Runs} in a text of letters and digits alone. */
export function digitsOf(letters: string): number[] {
  const digits = [0]
  let count = 0
  for (let at = 0; at < letters.length; at++) {
    if (letters.charCodeAt(at) < 0x3a) count++
    digits.push(count)
  }
  return digits
}

/** Letters and digits of the shortest identifier, a passport, and its digits. */
const MIN_CHARACTERS = 8
const MIN_DIGITS = 7
/** Those of the next one, a PAN. */
const MIN_CHARACTERS_OF_OTHERS = 10
const MIN_DIGITS_OF_OTHERS = 4
/** Letters and digits of an IFSC, which has one digit for sure. */
const MIN_WITH_DIGIT = 11
/** Digits of a mobile number, which any separators may part. */
const MIN_OF_DIGITS = 10
/** A run of capitals and small letters of this length may be an encoded text (a passport in base64url). */
const MIN_TOKEN = 11

/** Whether a text could hold anything: the pass that nearly every text ends with. */
export function isSuspicious(text: string): boolean {
  let characters = 0
  let digits = 0
  let digitsAlone = 0
  let run = 0
  let capitals = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const kind = kindOf(code)
    if (kind === DIGIT || kind === LETTER) {
      run++
      characters++
      if (kind === DIGIT) {
        digits++
        digitsAlone++
        if (digitsAlone >= MIN_OF_DIGITS) return true
      } else {
        digitsAlone = 0
        if (code < 0x60) capitals++
      }
      if (digits >= MIN_DIGITS && characters >= MIN_CHARACTERS) return true
      if (digits >= MIN_DIGITS_OF_OTHERS && characters >= MIN_CHARACTERS_OF_OTHERS) return true
      if (digits > 0 && characters >= MIN_WITH_DIGIT) return true
      if (run >= MIN_TOKEN && capitals > 0 && capitals < run) return true
    } else if (code > 0x7e || code === 0x40 || code === 0x25 || code === 0x26 || code === 0x5c) {
      return true
    } else {
      run = 0
      capitals = 0
      if (kind >= BLANK && kind < FIRST_OF_LISTS) continue
      characters = 0
      digits = 0
      if (kind === OTHER) digitsAlone = 0
    }
  }
  return false
}
