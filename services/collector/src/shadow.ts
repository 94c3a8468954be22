/**
 * A second rulebook beside the one that rules: what each of the two makes of the same event, counted and nothing else.
 *
 * Invariants
 * - The real path neither waits for it nor fails by it: a beacon is tried in a later turn of the event loop, after it was
 *   decided; at most one waits; trying takes at most {@link BUDGET} of the time; what throws ends the shadow alone.
 * - It has no way out: its sinks count, its pseudonyms are under a key of its own that is told nobody, and it loads no
 *   key, so that a rulebook which nobody signed makes no root and no record.
 * - It holds counters by names of the rulebooks (reasons, dimensions), one beacon for one turn, and bounded caches of its
 *   own, which age and are purged as those of the real path are.
 * Recovery: none; it is forgotten when it ends.
 */
import { randomBytes } from 'node:crypto'
import type { Anonymizer, AnonymizerInput, PeekKey, RecordSink } from '@tacit/anonymizer'
import { type Reason, shownReason, type Stream } from '@tacit/contracts'
import { createPseudonymizer, type Pseudonymizer } from '@tacit/keyring'
import { RECORD_COLUMNS, type Rulebook, storedPlans } from '@tacit/rulebook'
import { type ShadowTally, shadowReport, type ShadowReport } from './shadow-report.js'

/** Share of the time that trying beacons may take. */
const BUDGET = 0.05

/** A rulebook, and an anonymiser compiled from its stored streams for the shadow alone. */
export interface ShadowSide {
  readonly rulebook: Rulebook
  readonly anonymizer: Anonymizer
}

export interface ShadowOptions {
  /** the one that rules */
  readonly now: ShadowSide
  /** the one that is tried */
  readonly next: ShadowSide
  /** asked only whether a key is late or missing */
  readonly peek: PeekKey
  /** at most one in so many beacons is tried */
  readonly oneIn: number
  /** 0 to 1; default `Math.random`: a sample decides nothing that has to be secret */
  readonly random?: () => number
  /** ms that never go back; default `performance.now` */
  readonly elapsed?: () => number
  /** runs something in a later turn; default `setImmediate` */
  readonly later?: (run: () => void) => void
}

/** `changed`: another rulebook began to rule meanwhile. `failed`: a rulebook threw. */
export type ShadowState = 'running' | 'ended' | 'changed' | 'failed'

/** What one rulebook made of one event. */
interface Outcome {
  /** `accepted`, or the reason as it is shown */
  readonly is: string
  /** dimension values of its record, in the plan's order; null where it leaves none */
  readonly values: readonly unknown[] | null
}

/** Outcomes of a beacon's events, in order: exactly one `accepted` or `dropped` is called for each, after its rows. */
class OutcomeSink implements RecordSink {
  readonly outcomes: Outcome[] = []
  #values: readonly unknown[] | null = null

  row(stream: Stream, _epoch: string, tail: string): void {
    if (stream === 'day') this.#values = (JSON.parse(`[${tail}`) as unknown[]).slice(RECORD_COLUMNS.length)
  }

  accepted(): void {
    this.outcomes.push({ is: 'accepted', values: this.#values })
    this.#values = null
  }

  dropped(_hour: number, reason: Reason): void {
    this.outcomes.push({ is: shownReason(reason), values: null })
    this.#values = null
  }

  removedProps(): void {}

  detected(): void {}
}

/** Names of the day's dimension columns. */
function columnsOf(rulebook: Rulebook): readonly string[] {
  return storedPlans(rulebook).find(({ stream }) => stream === 'day')?.dimensions ?? []
}

export class Shadow {
  readonly #options: Required<ShadowOptions>
  readonly #key: Pseudonymizer = createPseudonymizer(randomBytes(32))
  readonly #peek: PeekKey
  readonly #tally: ShadowTally
  /** columns of both, with their places in the one's rows and in the other's */
  readonly #shared: readonly { readonly name: string; readonly now: number; readonly next: number }[]
  #state: ShadowState = 'running'
  #pending: { readonly input: AnonymizerInput; readonly at: number } | null = null
  /** nothing is tried before, by `elapsed` */
  #restUntil = Number.NEGATIVE_INFINITY

  constructor(options: ShadowOptions) {
    this.#options = {
      random: Math.random,
      elapsed: () => performance.now(),
      later: setImmediate,
      ...options,
    }
    this.#peek = (stream, epoch, scope) => {
      const known = options.peek(stream, epoch, scope)
      return known === 'late' || known === 'missing' ? known : this.#key
    }
    const now = columnsOf(options.now.rulebook)
    const next = columnsOf(options.next.rulebook)
    this.#shared = now.flatMap((name, at) =>
      next.includes(name) ? [{ name, now: at, next: next.indexOf(name) }] : [],
    )
    this.#tally = {
      offered: 0,
      tried: 0,
      pairs: new Map(),
      recorded: 0,
      differing: new Map(this.#shared.map(({ name }) => [name, 0])),
      added: next.filter((name) => !now.includes(name)),
      removed: now.filter((name) => !next.includes(name)),
    }
  }

  get state(): ShadowState {
    return this.#state
  }

  /** What was found, as shares: {@link shadowReport}. */
  report(): ShadowReport {
    return shadowReport(this.#tally)
  }

  /** A beacon that was decided at `at` (ms). Returns at once, and never throws. */
  offer(input: AnonymizerInput, at: number): void {
    if (this.#state !== 'running') return
    this.#tally.offered++
    const { elapsed, later, oneIn, random } = this.#options
    if (this.#pending !== null || elapsed() < this.#restUntil || random() * oneIn >= 1) return
    if (this.#isUnverified(input.beacon.site)) return
    this.#pending = { input, at }
    later(this.#tryPending)
  }

  /** Cached raw values that are due are forgotten. */
  expire(): void {
    for (const { anonymizer } of this.#sides()) anonymizer.expire()
  }

  /** All cached raw values are forgotten: a key died. */
  clear(): void {
    for (const { anonymizer } of this.#sides()) anonymizer.clear()
  }

  /** Ends it; what it counted can still be read. Ending twice changes nothing. */
  end(state: Exclude<ShadowState, 'running'> = 'ended'): void {
    if (this.#state !== 'running') return
    this.#state = state
    this.#pending = null
    this.#key.destroy()
    this.clear()
  }

  #sides(): readonly [ShadowSide, ShadowSide] {
    return [this.#options.now, this.#options.next]
  }

  /** A site that only the new rulebook signs: its tokens are not verified yet, so nothing can be said of its beacons. */
  #isUnverified(site: string): boolean {
    const { now, next } = this.#options
    return now.rulebook.sites[site] === undefined && next.rulebook.sites[site]?.identity === 'signed'
  }

  readonly #tryPending = (): void => {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    const { elapsed } = this.#options
    const begun = elapsed()
    try {
      this.#try(pending.input, pending.at)
    } catch {
      // Nothing of the error is kept: it may carry what was in the beacon.
      this.end('failed')
    }
    const ended = elapsed()
    this.#restUntil = ended + (ended - begun) * (1 / BUDGET - 1)
  }

  #try(input: AnonymizerInput, at: number): void {
    const [now, next] = this.#sides().map(({ anonymizer }) => {
      const sink = new OutcomeSink()
      anonymizer.process(input, at, this.#peek, sink)
      return sink.outcomes
    }) as [Outcome[], Outcome[]]
    this.#tally.tried++
    for (let i = 0; i < now.length; i++) this.#count(now[i] as Outcome, next[i] as Outcome)
  }

  #count(now: Outcome, next: Outcome): void {
    const { differing, pairs } = this.#tally
    const pair = `${now.is}\n${next.is}`
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
    if (now.is !== 'accepted' || next.is !== 'accepted') return
    if (now.values === null && next.values === null) return
    this.#tally.recorded++
    for (const column of this.#shared) {
      // An event that leaves no record says nothing: as good as a value that is absent.
      const before = now.values?.[column.now] ?? ''
      const after = next.values?.[column.next] ?? ''
      if (before !== after) differing.set(column.name, (differing.get(column.name) ?? 0) + 1)
    }
  }
}
