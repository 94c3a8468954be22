/**
 * Learning which path segments are words: a segment that no list approves is counted, and when k people of one day used
 * it, it may be shown to the privacy team. Until then nobody can read it, here or anywhere.
 *
 * Invariants
 * - A segment is kept as a keyed hash only, under a random key of its day; so is who used it, per segment, so that two
 *   segments of one person do not meet. What is told is the raw segment of the very request that completes the count.
 * - At most `segments` segments a day are followed; further ones are ignored. A person or group is remembered up to
 *   the threshold, and nobody once the segment was told or refused.
 * - All is forgotten, the key too, at the end of the UTC day and whenever a key dies. A start begins with nothing.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { type Clock, DAY, lengthPrefixed } from '@tacit/contracts'
import { DETECTORS, looksLikeId, type Release } from '@tacit/rulebook'
import type { CalendarDay, Identity } from './identity.js'
import { createScanner } from './scan/index.js'

/** One use of a segment that no word list approves. Pseudonyms are those of the day. */
export interface WordUse {
  /** days since 1970 (UTC) */
  readonly day: number
  readonly site: string
  readonly identity: 'signed' | 'network'
  readonly segment: string
  readonly person: string
  /** the tenant's pseudonym on signed sites, the network's keyed value on others */
  readonly group: string
}

/** Told of segments that no word list approves. */
export interface WordSink {
  saw(use: WordUse): void
  expire(): void
  clear(): void
}

export interface WordLearnerOptions {
  readonly release: Pick<Release, 'minUsers' | 'minTenants' | 'minNetworks'>
  readonly clock: Clock
  /** a segment that enough people of this day used */
  readonly found: (word: string) => void
  /** segments followed a day; 10,000 by default */
  readonly segments?: number
  /** 32 random bytes */
  readonly randomKey?: () => Buffer
}

const SEGMENTS = 10_000
const KEY_BYTES = 32
const TAG_BYTES = 16
/** As a list of words takes it (catalogues). */
const MAX_LENGTH = 64
/** Letters, marks and digits of any script, and what joins them: nothing that a terminal or a page could obey. */
const WORD = /^[\p{L}\p{M}\p{N}._~-]+$/u

interface Followed {
  readonly people: Set<string>
  readonly groups: Set<string>
}

/** Counts in memory who uses which unapproved segment, and tells those of at least `minUsers` people of one day. */
export function createWordLearner(options: WordLearnerOptions): WordSink {
  const { clock, found, release } = options
  const most = options.segments ?? SEGMENTS
  const newKey = options.randomKey ?? (() => randomBytes(KEY_BYTES))
  const scanner = createScanner(DETECTORS)
  /** by tag of the segment; null: told or refused, and of no further interest */
  const followed = new Map<string, Followed | null>()
  let key = newKey()
  let today = Number.NEGATIVE_INFINITY

  function clear(): void {
    followed.clear()
    key.fill(0)
    key = newKey()
  }

  function tag(...parts: readonly string[]): string {
    return createHmac('sha256', key)
      .update(lengthPrefixed(...parts))
      .digest()
      .toString('base64', 0, TAG_BYTES)
  }

  return {
    saw({ day, group, identity, person, segment, site }) {
      if (day < today || person === '' || group === '') return
      if (segment.length > MAX_LENGTH || !WORD.test(segment) || looksLikeId(segment)) return
      if (day > today) {
        clear()
        today = day
      }
      const name = tag('segment', site, segment)
      let known = followed.get(name)
      if (known === null) return
      if (known === undefined) {
        if (followed.size >= most) return
        known = { people: new Set(), groups: new Set() }
        followed.set(name, known)
      }
      const groups = identity === 'signed' ? release.minTenants : release.minNetworks
      if (known.people.size < release.minUsers) known.people.add(tag('person', name, person))
      if (known.groups.size < groups) known.groups.add(tag('group', name, group))
      if (known.people.size < release.minUsers || known.groups.size < groups) return
      followed.set(name, null)
      if (scanner.scan(segment) === null) found(segment)
    },
    expire() {
      if (followed.size > 0 && Math.floor(clock.now() / DAY) > today) clear()
    },
    clear,
  }
}

/** Place of the pseudonyms in `"standing","tenant","person","network"`, split at the quotes. */
const STANDING = 1
const TENANT = 3
const PERSON = 5
const NETWORK = 7

/** One use of a segment by a person of the day; null where they do not count (their tenant is not established). */
export function wordUse(
  site: string,
  identity: 'signed' | 'network',
  day: CalendarDay,
  { columns }: Identity,
  segment: string,
): WordUse | null {
  const parts = columns.split('"')
  if (identity === 'signed' && parts[STANDING] !== 'established') return null
  const group = parts[identity === 'signed' ? TENANT : NETWORK] ?? ''
  return { day: day.index, site, identity, segment, person: parts[PERSON] ?? '', group }
}
