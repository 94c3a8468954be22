/**
 * Detectors of personal identifiers in texts. Hand-written scanners of one pass each, no regular expression on input of
 * unbounded length: a text that is made to be slow is not. Source: privacy.md 2.8.
 *
 * Way of a text: a first pass that nearly every text ends with (nothing in it could be an identifier) → normalised →
 * what stands around `@` → runs of letters and digits → tokens → what is encoded in it, once more, two levels deep.
 */
import { DETECTORS, type Detector } from '@tacit/rulebook'
import { addressOf } from './addresses.js'
import { MAX_ESCAPE, unescaped } from './escapes.js'
import { Finder } from './finder.js'
import { normalised, readingsOf } from './normalise.js'
import { isSuspicious, runsOf } from './runs.js'
import { endsOf, foundAcross, pairsOf } from './seams.js'
import { decodedTexts, holdsJwt, holdsRandomToken } from './tokens.js'
import { withoutUuids } from './uuids.js'

export interface Scanner {
  /** The first detector, in the order of DETECTORS, that finds something in the text, or null. */
  scan(text: string): Detector | null
  /**
   * What several texts of one event, none of which holds anything, hold when two of them are put together, in either
   * order: of few texts any two, of many neighbours. A random token has no form by which its halves could be told.
   */
  scanSplit(texts: readonly string[]): Detector | null
}

/** Encoded texts within encoded texts are followed so far. */
const MAX_DEPTH = 2
/** Characters at the end of a decoded text that may be none of an address. */
const MAX_BEHIND = 2

const RANK: ReadonlyMap<Detector, number> = new Map(DETECTORS.map((detector, at) => [detector, at]))

function firstOf(found: readonly (Detector | null)[]): Detector | null {
  let best: Detector | null = null
  for (const detector of found) {
    if (detector === null) continue
    if (best === null || (RANK.get(detector) ?? 0) < (RANK.get(best) ?? 0)) best = detector
  }
  return best
}

class TextScanner implements Scanner {
  readonly #wanted: ReadonlySet<Detector>
  readonly #finder: Finder

  constructor(detectors: readonly Detector[]) {
    this.#wanted = new Set(detectors)
    this.#finder = new Finder(this.#wanted)
  }

  scan(text: string): Detector | null {
    return this.#read(text, 0)
  }

  scanSplit(texts: readonly string[]): Detector | null {
    const ends = texts.map((text) => {
      const { circled, plain } = readingsOf(text)
      return endsOf(text, withoutUuids(plain), circled ?? plain)
    })
    for (const { first, mayCutEscape, second } of pairsOf(ends)) {
      const hit = foundAcross(first, second, this.#finder, this.#wanted)
      if (hit !== null) return hit
      if (!mayCutEscape || first.unfinished === '') continue
      const again = this.#readTogether(first.unfinished, second.beginning)
      if (again !== null) return again
    }
    return null
  }

  /** An identifier in a normalised text; `circled` is its other reading. */
  #plainHit(plain: string, rest: string, circled: string | null): Detector | null {
    return firstOf([
      this.#wanted.has('jwt') && holdsJwt(plain) ? 'jwt' : null,
      addressOf(plain, this.#wanted) ?? (circled === null ? null : addressOf(circled, this.#wanted)),
      this.#finder.find(runsOf(rest)),
    ])
  }

  /**
   * An identifier in a decoded text, a character or two at either end left out: encoded text is three or four characters
   * to a group, and what stood beside the identifier in the first or last of them is no more part of it than the rest.
   */
  #trimmedHit(plain: string, rest: string): Detector | null {
    const hit = this.#finder.findTrimmed(runsOf(rest))
    if (hit !== null || !plain.includes('@')) return hit
    for (let behind = 1; behind <= MAX_BEHIND; behind++) {
      const address = addressOf(plain.slice(0, -behind), this.#wanted)
      if (address !== null) return address
    }
    return null
  }

  #read(text: string, depth: number): Detector | null {
    if (!isSuspicious(text)) return null
    const { circled, plain } = readingsOf(text)
    const rest = withoutUuids(plain)
    const hit = this.#plainHit(plain, rest, circled) ?? (depth > 0 ? this.#trimmedHit(plain, rest) : null)
    if (hit !== null) return hit
    if (depth < MAX_DEPTH) {
      for (const decoded of decodedTexts(rest)) {
        // What is encoded says more than that it is encoded.
        const inner = this.#read(decoded, depth + 1)
        if (inner !== null) return inner
      }
    }
    return this.#wanted.has('random_token') && holdsRandomToken(rest) ? 'random_token' : null
  }

  /** Two texts whose seam may make an escape, or end one: what stands next to it is read again, if it does. */
  #readTogether(first: string, second: string): Detector | null {
    const last = first.slice(-MAX_ESCAPE)
    const next = second.slice(0, MAX_ESCAPE)
    if (unescaped(last + next) === unescaped(last) + next) return null
    const plain = normalised(first + second)
    return this.#plainHit(plain, withoutUuids(plain), null)
  }
}

/** Compiles a scanner. @param detectors of a rulebook; each at most once counts */
export function createScanner(detectors: readonly Detector[]): Scanner {
  return new TextScanner(detectors)
}
