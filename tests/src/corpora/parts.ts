/** What corpora are made of: a seeded generator, marks that no detector knows, and a case that is accepted. */
import type { CorpusCase, TryInput } from './corpus.js'

/** Time of receipt of cases that name none. */
export const CORPUS_NOW = '2026-12-02T10:20:30Z'

/** What must become of a case. `reason: null` says that all its events are accepted. */
export interface Expected {
  readonly status: number
  readonly code?: string
  readonly reason?: string | null
}

/** A case with what its generator knows of it. */
export interface ExpectedCase extends CorpusCase {
  readonly expected: Expected
}

export interface Random {
  /** a whole number from 0 to `below` - 1 */
  below(below: number): number
  pick<T>(list: readonly T[]): T
  /** twenty letters in syllables: no identifier of anybody, and nothing that occurs by chance */
  mark(): string
}

/** The same numbers for the same seed (mulberry32, public domain). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const syllable = (): string => pick([...'bdfgklmnprtvz']) + pick([...'aeiou'])
  return {
    below,
    pick,
    mark: () => Array.from({ length: 10 }, syllable).join(''),
  }
}

/** A user agent of a common browser that carries a mark. */
export const markedAgent = (mark: string): string =>
  `Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 ${mark}`

/** Claims of a person who consented a day before `now`. */
export function claimsAt(now: string, changes: Readonly<Record<string, unknown>> = {}) {
  const at = new Date(Date.parse(now) - 86_400_000).toISOString()
  return {
    tenant: 't-001',
    standing: 'established',
    sub: 'person-0001',
    role: 'accounts',
    cohort: '2026-03',
    adult: true,
    region: 'in',
    consent: { analytics: 'granted', policy: '2026-11-01', at },
    ...changes,
  }
}

/** An event that every rule lets pass. */
export const goodEvent = (changes: Readonly<Record<string, unknown>> = {}) => ({
  id: 'event-1',
  name: 'page_view',
  age: 0,
  path: '/customers',
  ...changes,
})

export const goodBody = (
  events: readonly unknown[] = [goodEvent()],
  changes: Readonly<Record<string, unknown>> = {},
) => ({ v: 1, site: 'erp', events, ...changes })

/** A case that is accepted, but for what `changes` say. */
export function goodInput(now: string, changes: Partial<TryInput> = {}): TryInput {
  return {
    ip: '203.0.113.77',
    headers: { origin: 'https://erp.example.in' },
    body: goodBody(),
    claims: claimsAt(now),
    ...changes,
  }
}
