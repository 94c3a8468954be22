/**
 * How a standby's directory becomes a primary's.
 *
 * Invariants
 * - A term is used by one keeper: it is counted up, durably, before the directory is opened as a primary's.
 * - Before anything is answered it is on record that this keeper took over, and each epoch and hour is withheld of which
 *   the lost primary may have made a root that is not here. It stays withheld for good: dropped and counted, never a second root.
 * Recovery: a takeover that a crash cut short is gone on with at the next start, with the moments of its beginning.
 */
import { type Epoch, epochOf, HOUR, hourOf, MINUTE, type Stream, TacitError } from '@tacit/contracts'
import type { KeyTimes } from '@tacit/keyring'
import type { KeyJournal } from '../key-journal.js'
import { epochLife, hourLife, type KeyLife } from '../key-life.js'
import type { RootRegistry } from '../root-registry.js'
import type { ScopeRoots } from '../scope-roots.js'
import type { TermFile } from './term-file.js'

/** What an operator says who makes a standby the primary. */
export interface Promotion {
  /** ms: when the former primary stopped for certain; null: at this moment at the latest. It must have stopped. */
  readonly stoppedAt: number | null
}

/** How far the operator's clock and the former primary's may differ, ms. */
const SKEW_MS = MINUTE
/** How far the former primary's clock may have gone back after it was last heard of, ms; more stops ingest. */
const BACK_MS = HOUR
/** Events of one append to the log. */
const GROUP = 500

/**
 * Looks at which keeper a directory is, and begins a takeover where it is asked for.
 * @param now ms
 * @returns whether a takeover is to be finished
 * @throws TacitError ERR_KEEPER_STANDBY for a standby that nobody promotes, or that was never in step; ERR_KEY_STORE where
 *   there is nothing to promote
 */
export async function beginOpening(
  term: TermFile,
  promotion: Promotion | undefined,
  now: number,
): Promise<boolean> {
  const { state, synced, term: former } = term.now
  if (state === 'promoting') return true
  if (state === 'standby') {
    if (promotion === undefined) {
      throw new TacitError(
        'ERR_KEEPER_STANDBY',
        'This data directory is a standby’s: start it as a standby, or promote it once the primary has stopped',
      )
    }
    if (synced === null) {
      throw new TacitError(
        'ERR_KEEPER_STANDBY',
        'This standby was never in step with its primary, so it cannot take over',
      )
    }
    const stopped = Math.max(Math.min(promotion.stoppedAt ?? now, now), 0)
    await term.save({ state: 'promoting', term: former + 1, stopped })
    return true
  }
  if (promotion === undefined) return false
  throw new TacitError(
    'ERR_KEY_STORE',
    'This data directory is not a standby’s, so there is nothing to promote: start it without',
  )
}

export interface TakeoverParts {
  readonly term: TermFile
  readonly journal: KeyJournal
  /** recovered */
  readonly roots: RootRegistry
  readonly scopes: ScopeRoots
  readonly streams: readonly Stream[]
  readonly rules: KeyTimes
}

/** Puts on record what a takeover takes. @param now ms */
export async function finishTakeover(parts: TakeoverParts, now: number): Promise<void> {
  const { journal, roots, scopes, term } = parts
  const { handedOver, stopped, synced, term: count } = term.now
  // Before the takeover's entry: what is on record by then came from the primary.
  await scopes.record(now, true)
  if (journal.term < count) await journal.tookOver(count, handedOver)
  if (!handedOver) {
    const from = synced ?? 0
    const gap = { from: from - BACK_MS, to: Math.max(from, stopped ?? now) + SKEW_MS }
    const absent = livesWithin(gap, parts).filter(
      ({ label }) => roots.stateOf(label) === undefined && !journal.isWithheld(label),
    )
    for (let at = 0; at < absent.length; at += GROUP) {
      const group = absent.slice(at, at + GROUP)
      await journal.append(
        group.map(({ label }) => ({ step: 'withheld', key: label })),
        now,
        true,
      )
    }
  }
  await term.save({ state: 'primary' })
}

interface Gap {
  /** ms, both included */
  readonly from: number
  readonly to: number
}

/** Epochs and hours whose roots may come to be at some moment of a gap. */
export function livesWithin(
  { from, to }: Gap,
  { rules, streams }: Pick<TakeoverParts, 'rules' | 'streams'>,
): KeyLife[] {
  const lives: KeyLife[] = []
  // An upper bound of what comes before a life's end, and may still come to be.
  const begin = Math.max(0, from - Math.max(rules.latenessMs, rules.logKeyLifeMs))
  const isWithin = ({ closesAt, opensAt }: KeyLife): boolean => opensAt <= to && closesAt > from
  for (const stream of streams) {
    let epoch: Epoch = epochOf(stream, begin)
    for (let life = epochLife(epoch, rules); life.opensAt <= to; life = epochLife(epoch, rules)) {
      if (isWithin(life)) lives.push(life)
      epoch = epochOf(stream, epoch.end)
    }
  }
  for (let hour = hourOf(begin); ; hour += HOUR) {
    const life = hourLife(hour, rules)
    if (life.opensAt > to) break
    if (isWithin(life)) lives.push(life)
  }
  return lives
}
