/**
 * Finds identifiers of letters and digits in runs. Whether a stretch of groups could be one is told from its length, its
 * digits and how it opens, in a table, before any text is put together: nearly every stretch ends there, and a text of
 * thousands of small groups takes no longer than one of words.
 */
import { DETECTORS, type Detector } from '@tacit/rulebook'
import { type Candidate, IDENTIFIERS, MAX_LENGTH } from './identifiers.js'
import { isBreak, isListed, NONE, type Runs, type Separator } from './runs.js'
import { Stretch } from './stretch.js'

/** Groups that one identifier is written in at most (a card number, digit pairs of a phone number). */
export const MAX_GROUPS = 9
/** Characters of the shortest identifier. */
const LEAST = 8
/** Digits of the shortest number. */
const LEAST_NUMBER = 10
/** A group that is longer is a token, and digits within it are no number of anybody. */
const MAX_EMBEDDING = 24
/** Digits of a group behind a comma or a slash. */
const LEAST_OF_LIST = 3
const OPENING = 4
/** Characters that may stand before or behind an identifier where its beginning and end cannot be told. */
const MAX_TRIM = 2
const LENGTHS = MAX_LENGTH + 1

interface Check {
  readonly detector: Detector
  readonly check: (candidate: Candidate) => boolean
}

/** Of each length and number of digits, and of each opening, the checks that could say yes, as bits. */
function compileTables(checks: readonly Check[]) {
  const byShape = new Uint16Array(LENGTHS * LENGTHS)
  const byOpening = new Uint16Array(1 << OPENING)
  for (const [at, { detector }] of checks.entries()) {
    const identifier = IDENTIFIERS[detector]
    if (identifier === undefined) continue
    const { least, leastDigits, most, mostDigits, opens } = identifier
    for (let length = least; length <= most; length++) {
      for (let digits = leastDigits; digits <= Math.min(mostDigits, length); digits++) {
        const shape = length * LENGTHS + digits
        byShape[shape] = (byShape[shape] as number) | (1 << at)
      }
    }
    const opening = [...opens].reduce((bits, kind) => 2 * bits + Number(kind === '0'), 0)
    byOpening[opening] = (byOpening[opening] as number) | (1 << at)
  }
  return { byShape, byOpening }
}

function digitsIn({ digits }: Runs, from: number, to: number): number {
  return (digits[to] as number) - (digits[from] as number)
}

/** Which of the four characters from an offset on are digits, as bits. */
function openingAt(runs: Runs, from: number): number {
  let opening = 0
  for (let at = from; at < from + OPENING; at++) opening = 2 * opening + digitsIn(runs, at, at + 1)
  return opening
}

/** `best` is the place of the best check that said yes, among all; their number where none did. */
export class Finder {
  readonly #checks: readonly Check[]
  readonly #byShape: Readonly<Uint16Array>
  readonly #byOpening: Readonly<Uint16Array>
  readonly #stretch = new Stretch()

  /** @param wanted detectors of a rulebook */
  constructor(wanted: ReadonlySet<Detector>) {
    this.#checks = DETECTORS.flatMap((detector): Check[] => {
      const identifier = wanted.has(detector) ? IDENTIFIERS[detector] : undefined
      return identifier === undefined ? [] : [{ detector, check: identifier.check }]
    })
    const { byOpening, byShape } = compileTables(this.#checks)
    this.#byShape = byShape
    this.#byOpening = byOpening
  }

  /** The first detector, in the order of DETECTORS, of an identifier in the runs. */
  find(runs: Runs): Detector | null {
    const groups = runs.starts.length - 1
    let best = this.#search(runs, groups - 1, 0)
    for (let at = 0; at < groups; at++) {
      best = this.#tryEmbedded(runs, at, runs.starts[at] as number, runs.starts[at + 1] as number, best)
    }
    return this.#named(best)
  }

  /** The same of those that cross a seam: from group `at` or before to group `to` or behind; digits within `at` too. */
  findAcross(runs: Runs, at: number, to: number): Detector | null {
    const best = this.#search(runs, at, to)
    if (at !== to) return this.#named(best)
    const [from, end] = [runs.starts[at] as number, runs.starts[at + 1] as number]
    return this.#named(this.#tryEmbedded(runs, at, from, end, best))
  }

  /** The same at the beginning and the end of the text, one or two characters of each left out. */
  findTrimmed(runs: Runs): Detector | null {
    const { separators, starts } = runs
    // Only what is the text's own first or last character is trimmed.
    const mostBefore = separators[0] === NONE ? MAX_TRIM : 0
    const mostBehind = separators[starts.length - 1] === NONE ? MAX_TRIM : 0
    let best = this.#checks.length
    for (let before = 0; before <= mostBefore; before++) {
      for (let behind = before === 0 ? 1 : 0; behind <= mostBehind; behind++) {
        best = this.#searchTrimmed(runs, before, behind, best)
      }
    }
    return this.#named(best)
  }

  #named(best: number): Detector | null {
    this.#stretch.clear()
    return this.#checks[best]?.detector ?? null
  }

  /** The checks that could say yes to a stretch, as bits. */
  #plausible(runs: Runs, from: number, to: number): number {
    const length = to - from
    if (length < LEAST || length > MAX_LENGTH) return 0
    const bits = this.#byShape[length * LENGTHS + digitsIn(runs, from, to)] as number
    return bits === 0 ? 0 : bits & (this.#byOpening[openingAt(runs, from)] as number)
  }

  /** Groups `first` to `last`, cut to what lies from one offset to another. */
  #tryGroups(runs: Runs, first: number, last: number, from: number, to: number, best: number): number {
    const bits = this.#plausible(runs, from, to)
    if (bits === 0) return best
    const candidate = this.#stretch.set(runs, first, last, from, to)
    for (let at = 0; at < best; at++) {
      if ((bits & (1 << at)) !== 0 && (this.#checks[at] as Check).check(candidate)) return at
    }
    return best
  }

  /** Numbers within a group of letters and digits. */
  #tryEmbedded(runs: Runs, group: number, from: number, to: number, best: number): number {
    const count = digitsIn(runs, from, to)
    if (count < LEAST_NUMBER || count === to - from || to - from > MAX_EMBEDDING) return best
    let found = best
    let start = from
    for (let at = from; at <= to; at++) {
      if (at < to && digitsIn(runs, at, at + 1) === 1) continue
      if (at - start >= LEAST_NUMBER) found = this.#tryGroups(runs, group, group, start, at, found)
      start = at + 1
    }
    return found
  }

  /** Stretches that begin at group `firstMost` or before, and end at `lastLeast` or behind. */
  #search(runs: Runs, firstMost: number, lastLeast: number): number {
    const { separators, starts } = runs
    const groups = starts.length - 1
    let best = this.#checks.length
    for (let first = 0; first <= firstMost; first++) {
      const from = starts[first] as number
      let areListed = false
      for (let last = first; last < groups && last < first + MAX_GROUPS; last++) {
        const separator = last === first ? NONE : (separators[last] as Separator)
        const to = starts[last + 1] as number
        if (isBreak(separator) || to - from > MAX_LENGTH) break
        areListed ||= isListed(separator)
        // Commas and slashes part the groups of numbers only, and none of an identifier is shorter than three digits.
        if (areListed && digitsIn(runs, from, to) !== to - from) break
        if (areListed && to - (starts[last] as number) < LEAST_OF_LIST) break
        if (last >= lastLeast) best = this.#tryGroups(runs, first, last, from, to, best)
      }
    }
    return best
  }

  /** Stretches from the beginning if something is left out there, to the end if there. */
  #searchTrimmed(runs: Runs, before: number, behind: number, so: number): number {
    const { separators, starts } = runs
    const groups = starts.length - 1
    const end = (starts[groups] as number) - behind
    const firstMost = before > 0 ? 0 : groups - 1
    const lastLeast = behind > 0 ? groups - 1 : 0
    let best = so
    for (let first = before > 0 ? 0 : Math.max(0, groups - MAX_GROUPS); first <= firstMost; first++) {
      const from = (starts[first] as number) + before
      for (let last = first; last < Math.min(groups, first + MAX_GROUPS); last++) {
        const separator = last === first ? NONE : (separators[last] as Separator)
        const to = Math.min(starts[last + 1] as number, end)
        if (isBreak(separator) || isListed(separator) || to - from > MAX_LENGTH) break
        if (last < lastLeast || to <= (starts[last] as number) || from >= (starts[first + 1] as number))
          continue
        best = this.#tryGroups(runs, first, last, from, to, best)
        if (first === last) best = this.#tryEmbedded(runs, first, from, to, best)
      }
    }
    return best
  }
}
