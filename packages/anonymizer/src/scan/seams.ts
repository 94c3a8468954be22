/**
 * Seams: an identifier may be split over two texts of one event. Texts are read once; of each only its ends are kept, and
 * only ends are put together.
 *
 * Invariant: what is found across the seam of two texts, neither of which holds anything, is what is found in both put
 * together (but for tokens, which have no form that two words could not have together; scan/split.test.ts).
 */
import type { Detector } from '@tacit/rulebook'
import { addressOf, hostEnd, localStart } from './addresses.js'
import { unfinishedEscape } from './escapes.js'
import { type Finder, MAX_GROUPS } from './finder.js'
import { MAX_LENGTH } from './identifiers.js'
import { digitsOf, isBreak, lettersOf, NONE, type Runs, runsOf, type Separator, together } from './runs.js'
import { holdsJwt, tokenEnd, tokenStart } from './tokens.js'

/** The groups at one end of a text, as far as an identifier can reach. */
interface Edge {
  readonly joined: string
  readonly starts: readonly number[]
  /** before each group */
  readonly separators: readonly Separator[]
  /** between the text's end and the group next to it */
  readonly outer: Separator
  readonly digits: number
}

/** What is kept of a text. */
export interface Ends {
  readonly head: Edge | null
  readonly tail: Edge | null
  /** a local part, `@` and the beginning of a host, up to the end; '' where there is none */
  readonly openAddress: string
  /** what could be the end of a local part */
  readonly local: string
  /** what could go on with a host */
  readonly host: string
  /** `@` and a host, a character of the local part before them at most; '' where there is none */
  readonly address: string
  /** from the beginning and up to the end, what could be a part of a token */
  readonly tokenHead: string
  readonly tokenTail: string
  /** an escape at the end that the next text could finish, and what stands before it; '' where there is none */
  readonly unfinished: string
  /** what could finish it, and what stands behind */
  readonly beginning: string
  /** without a digit, an `@` or the beginning of a token in one of two texts there is nothing in both */
  readonly isBearing: boolean
}

/** The groups from `first` to `last`, on their own. */
function edge(runs: Runs, first: number, last: number, outer: Separator): Edge {
  const { digits, separators, starts } = runs
  const from = starts[first] as number
  const to = starts[last + 1] as number
  return {
    joined: lettersOf(runs, first, last, from, to),
    starts: starts.slice(first, last + 1).map((start) => start - from),
    separators: separators.slice(first, last + 1),
    outer,
    digits: (digits[to] as number) - (digits[from] as number),
  }
}

function headOf(runs: Runs): Edge | null {
  const { separators, starts } = runs
  const outer = separators[0] as Separator
  const groups = starts.length - 1
  if (groups === 0 || isBreak(outer) || (starts[1] as number) > MAX_LENGTH) return null
  let last = 0
  while (last + 1 < Math.min(groups, MAX_GROUPS) && !isBreak(separators[last + 1] as Separator)) {
    if ((starts[last + 2] as number) > MAX_LENGTH) break
    last++
  }
  return edge(runs, 0, last, outer)
}

function tailOf(runs: Runs): Edge | null {
  const { separators, starts } = runs
  const groups = starts.length - 1
  const outer = separators[groups] as Separator
  const end = starts[groups] as number
  if (groups === 0 || isBreak(outer) || end - (starts[groups - 1] as number) > MAX_LENGTH) return null
  let first = groups - 1
  while (first > 0 && groups - first < MAX_GROUPS && !isBreak(separators[first] as Separator)) {
    if (end - (starts[first - 1] as number) > MAX_LENGTH) break
    first--
  }
  return edge(runs, first, groups - 1, outer)
}

/** Characters next to a seam that is read again: those of an identifier and an escape. */
const MAX_READ_AGAIN = 48

/** The end of a text, from a word's beginning. */
function ending(text: string): string {
  if (text.length <= MAX_READ_AGAIN) return text
  return text.slice(-MAX_READ_AGAIN).replace(/^[0-9A-Za-z]+/, '')
}

/** The beginning of a text, up to a word's end. */
function beginning(text: string): string {
  if (text.length <= MAX_READ_AGAIN) return text
  return text.slice(0, MAX_READ_AGAIN).replace(/[0-9A-Za-z]+$/, '')
}

/** What an escape at the end of a text stands in, which the next text could finish; '' where there is none. */
function unfinishedOf(raw: string, text: string): string {
  // `&#6` is a whole reference, and gone from the text as it was read, but `&#64;` was meant.
  if (unfinishedEscape(raw) >= 0) return ending(raw)
  return unfinishedEscape(text) >= 0 ? ending(text) : ''
}

/**
 * The ends of a text.
 * @param raw as it came
 * @param text normalised, without UUIDs
 * @param addresses normalised, with every `@` that it could have
 */
export function endsOf(raw: string, text: string, addresses: string): Ends {
  const runs = runsOf(text)
  const head = headOf(runs)
  const tail = tailOf(runs)
  const digits = (head?.digits ?? 0) + (tail?.digits ?? 0)
  const at = addresses.lastIndexOf('@')
  const isOpen = at >= 0 && hostEnd(addresses, at + 1) === addresses.length
  const first = addresses.indexOf('@')
  return {
    head,
    tail,
    openAddress: isOpen ? addresses.slice(localStart(addresses, at)) : '',
    local: addresses.slice(localStart(addresses, addresses.length)),
    host: addresses.slice(0, hostEnd(addresses, 0)),
    address: first === 0 || first === 1 ? addresses.slice(0, hostEnd(addresses, first + 1)) : '',
    tokenHead: text.slice(0, tokenEnd(text)),
    tokenTail: text.slice(tokenStart(text)),
    unfinished: unfinishedOf(raw, text),
    beginning: beginning(text),
    isBearing: at >= 0 || digits > 0 || text.includes('eyJ') || /[%&\\]/.test(raw),
  }
}

/** The groups of two edges, the ones at the seam as one if nothing stands between; null where something breaks them. */
function joinedRuns(tail: Edge, head: Edge): Runs | null {
  const seam = together(tail.outer, head.outer)
  if (isBreak(seam)) return null
  const text = tail.joined + head.joined
  const offset = tail.joined.length
  const starts = [...tail.starts]
  const separators: Separator[] = [...tail.separators]
  if (seam !== NONE) {
    starts.push(offset)
    separators.push(seam)
  }
  for (let at = 1; at < head.starts.length; at++) {
    starts.push(offset + (head.starts[at] as number))
    separators.push(head.separators[at] as Separator)
  }
  starts.push(text.length)
  separators.push(NONE)
  return { text, places: starts, starts, separators, digits: digitsOf(text) }
}

/** An identifier that the end of one text and the beginning of another are together. */
function identifierAcross(tail: Edge | null, head: Edge | null, finder: Finder): Detector | null {
  if (tail === null || head === null || tail.digits + head.digits === 0) return null
  const both = joinedRuns(tail, head)
  if (both === null) return null
  const at = tail.starts.length - 1
  const isOne = both.starts.length === tail.starts.length + head.starts.length
  return finder.findAcross(both, at, isOne ? at : at + 1)
}

function addressAcross(first: Ends, second: Ends, wanted: ReadonlySet<Detector>): Detector | null {
  const begun = first.openAddress === '' ? null : addressOf(first.openAddress + second.host, wanted)
  return begun ?? (second.address === '' ? null : addressOf(first.local + second.address, wanted))
}

function isJwtAcross({ tokenTail }: Ends, { tokenHead }: Ends): boolean {
  if (tokenTail === '' || tokenHead === '') return false
  const begins =
    tokenTail.includes('eyJ') ||
    (tokenTail.endsWith('e') && tokenHead.startsWith('yJ')) ||
    (tokenTail.endsWith('ey') && tokenHead.startsWith('J'))
  return begins && holdsJwt(tokenTail + tokenHead)
}

/** What two texts hold together that neither holds. */
export function foundAcross(
  first: Ends,
  second: Ends,
  finder: Finder,
  wanted: ReadonlySet<Detector>,
): Detector | null {
  if (wanted.has('jwt') && isJwtAcross(first, second)) return 'jwt'
  return addressAcross(first, second, wanted) ?? identifierAcross(first.tail, second.head, finder)
}

/** Of so many pairs every one is looked at; of more, neighbours. */
const MAX_PAIRS = 64

/** Of so many texts an escape may be cut anywhere; of more, between neighbours: it is read again, which costs more. */
const MAX_CUT_ANYWHERE = 4

interface Pair {
  readonly first: Ends
  readonly second: Ends
  /** whether an escape that is cut between them is looked for */
  readonly mayCutEscape: boolean
}

/** The ordered pairs of texts that may hold something together. */
export function pairsOf(all: readonly Ends[]): readonly Pair[] {
  const bearing = all.filter(({ isBearing }) => isBearing).length
  const isFew =
    all.length * (all.length - 1) - (all.length - bearing) * (all.length - bearing - 1) <= MAX_PAIRS
  const pairs: Pair[] = []
  for (const [at, one] of all.entries()) {
    for (let next = at + 1; next < (isFew ? all.length : Math.min(all.length, at + 2)); next++) {
      const other = all[next] as Ends
      if (!one.isBearing && !other.isBearing) continue
      const mayCutEscape = next === at + 1 || all.length <= MAX_CUT_ANYWHERE
      pairs.push({ first: one, second: other, mayCutEscape }, { first: other, second: one, mayCutEscape })
    }
  }
  return pairs
}
