/**
 * Detectors of personal identifiers in texts. Hand-written scanners of one pass each, no regular expression on input of
 * unbounded length: a text that is made to be slow is not. Source: privacy.md 2.8.
 *
 * Way of a text: a first pass that nearly every text ends with (nothing in it could be an identifier) → normalised →
 * what stands around `@` → tokens → runs of letters and digits → what is encoded in it, once more, two levels deep.
 */
import { DETECTORS, type Detector } from '@tacit/rulebook'
import { addressOf } from './addresses.js'
import { type Candidate, IDENTIFIERS, MAX_LENGTH } from './identifiers.js'
import { normalised } from './normalise.js'
import { chainsOf, digitRuns, type Group, isSeparator } from './runs.js'
import { decodedTexts, holdsJwt, holdsRandomToken } from './tokens.js'

export interface Scanner {
  /** The first detector, in the order of DETECTORS, that finds something in the text, or null. */
  scan(text: string): Detector | null
  /** Several texts of one event put together: an identifier may be split over two of them. */
  scanSplit(texts: readonly string[]): Detector | null
}

/** Encoded texts within encoded texts are followed so far. */
const MAX_DEPTH = 2
/** Groups that one identifier is written in at most (a card number, digit pairs of a phone number). */
const MAX_GROUPS = 9
/** Of so many texts every pair is put together; of more, neighbours. */
const MAX_PAIRED = 8
/** Letters and digits of the shortest identifier, a passport, and its digits. */
const MIN_CHARACTERS = 8
const MIN_DIGITS = 7
/** Those of the next one, a PAN. */
const MIN_CHARACTERS_OF_OTHERS = 10
const MIN_DIGITS_OF_OTHERS = 4
/** Letters and digits of an IFSC, which has one digit for sure. */
const MIN_WITH_DIGIT = 11
/** A run of capitals and small letters of this length may be an encoded text (a passport in base64url). */
const MIN_TOKEN = 11
/** A group that is longer is a token, and digits within it are no number of anybody. */
const MAX_EMBEDDING = 24

/** Whether a text could hold anything: the pass that nearly every text ends with. */
function isSuspicious(text: string): boolean {
  let characters = 0
  let digits = 0
  let run = 0
  let separators = 0
  let capitals = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isDigit = code >= 0x30 && code <= 0x39
    const lower = code | 0x20
    if (isDigit || (lower >= 0x61 && lower <= 0x7a)) {
      separators = 0
      run++
      characters++
      if (isDigit) digits++
      else if (code < 0x60) capitals++
      if (digits >= MIN_DIGITS && characters >= MIN_CHARACTERS) return true
      if (digits >= MIN_DIGITS_OF_OTHERS && characters >= MIN_CHARACTERS_OF_OTHERS) return true
      if (digits > 0 && characters >= MIN_WITH_DIGIT) return true
      if (run >= MIN_TOKEN && capitals > 0 && capitals < run) return true
    } else if (code > 0x7e || code === 0x40 || code === 0x25 || code === 0x26) {
      return true
    } else {
      run = 0
      capitals = 0
      separators++
      if (separators > 2 || !isSeparator(code)) {
        characters = 0
        digits = 0
      }
    }
  }
  return false
}

/** Candidates of a chain: each group, and each few groups together that are no longer than an identifier. */
function* candidatesOf(chain: readonly Group[]): Generator<Candidate> {
  for (let first = 0; first < chain.length; first++) {
    let text = ''
    let between = ''
    let isDigits = true
    const groups: number[] = []
    for (let at = first; at < chain.length && groups.length < MAX_GROUPS; at++) {
      const group = chain[at] as Group
      if (text.length + group.text.length > MAX_LENGTH) break
      text += group.text.toUpperCase()
      isDigits &&= group.isDigits
      if (groups.length > 0) between += group.before
      groups.push(group.text.length)
      if (text.length >= MIN_CHARACTERS) yield { text, isDigits, groups: [...groups], between }
    }
    const group = chain[first] as Group
    if (group.isDigits || group.text.length > MAX_EMBEDDING) continue
    for (const digits of digitRuns(group.text)) {
      if (digits.length >= MIN_CHARACTERS)
        yield { text: digits, isDigits: true, groups: [digits.length], between: '' }
    }
  }
}

/** Compiles a scanner. @param detectors of a rulebook; each at most once counts */
export function createScanner(detectors: readonly Detector[]): Scanner {
  const wanted: ReadonlySet<Detector> = new Set(detectors)
  const checks = DETECTORS.flatMap((detector) => {
    const identifier = wanted.has(detector) ? IDENTIFIERS[detector] : undefined
    return identifier === undefined ? [] : [{ detector, ...identifier }]
  })
  const rank = new Map<Detector, number>(DETECTORS.map((detector, at) => [detector, at]))

  function identifierIn(text: string): Detector | null {
    let best = checks.length
    for (const chain of chainsOf(text)) {
      for (const candidate of candidatesOf(chain)) {
        const { length } = candidate.text
        for (let at = 0; at < best; at++) {
          const { check, least, most } = checks[at] as (typeof checks)[number]
          if (length >= least && length <= most && check(candidate)) best = at
        }
      }
    }
    return checks[best]?.detector ?? null
  }

  function read(text: string, depth: number): Detector | null {
    if (!isSuspicious(text)) return null
    const plain = normalised(text)
    const found: (Detector | null)[] = [
      wanted.has('jwt') && holdsJwt(plain) ? 'jwt' : null,
      addressOf(plain, wanted),
      identifierIn(plain),
      wanted.has('random_token') && holdsRandomToken(plain) ? 'random_token' : null,
    ]
    const hit = firstOf(found)
    if (hit !== null && hit !== 'random_token') return hit
    if (depth < MAX_DEPTH) {
      for (const decoded of decodedTexts(plain)) {
        // What is encoded says more than that it is encoded.
        const inner = read(decoded, depth + 1)
        if (inner !== null) return inner
      }
    }
    return hit
  }

  function firstOf(found: readonly (Detector | null)[]): Detector | null {
    let best: Detector | null = null
    for (const detector of found) {
      if (detector === null) continue
      if (best === null || (rank.get(detector) ?? 0) < (rank.get(best) ?? 0)) best = detector
    }
    return best
  }

  return {
    scan: (text) => read(text, 0),
    scanSplit(texts) {
      for (let first = 0; first < texts.length; first++) {
        for (let second = 0; second < texts.length; second++) {
          const near = texts.length <= MAX_PAIRED || second === first + 1
          if (first === second || !near) continue
          const hit = read(`${texts[first]}${texts[second]}`, MAX_DEPTH)
          if (hit !== null && hit !== 'random_token') return hit
        }
      }
      return null
    },
  }
}
