/** A rulebook after parsing: what the rest of the house reads. All durations are milliseconds, all shares 0..1. */
import type { Stream } from '@tacit/contracts'

export type EventKind = 'page_view' | 'feature' | 'timing' | 'error' | 'device'
export type Window = '5m' | 'hour' | 'day' | 'week' | 'month'
/**
 * What is counted. All but `users` are additive: `events` are rows, `visits` page views that began one, `time_s` seconds,
 * each page view's `time_spent_s` at the lower edge of its bucket.
 */
export const MEASURES = ['users', 'events', 'visits', 'time_s'] as const
export type Measure = (typeof MEASURES)[number]

/** What texts are scanned for, in the order in which a hit is told; `pii.<detector>` is the reason of the drop. */
export const DETECTORS = [
  'jwt',
  'email',
  'upi',
  'gstin',
  'cin',
  'iban',
  'pan',
  'tan',
  'ifsc',
  'voter_id',
  'passport',
  'card',
  'aadhaar',
  'phone_in',
  'random_token',
] as const
export type Detector = (typeof DETECTORS)[number]

export interface Site {
  readonly id: string
  readonly origins: readonly string[]
  readonly identity: 'signed' | 'network'
  readonly lawfulBasis: 'consent' | 'exempt-measurement'
  readonly region: string
}

export type FieldRule =
  | {
      readonly do: 'truncate'
      readonly ipv4: number
      readonly ipv6: number
      /** what is left: the cut network, or its country alone (written `then: country`), as the dimension `country` */
      readonly keeps: 'network' | 'country'
    }
  | { readonly do: 'pseudonym'; readonly scope: readonly ('tenant' | 'purpose' | 'epoch')[] }
  | { readonly do: 'coarsen'; readonly toMs: number }
  | { readonly do: 'template'; readonly routes: readonly string[]; readonly otherwise: string }
  | { readonly do: 'template'; readonly generic: { readonly words: 'any' | readonly string[] } }
  | {
      readonly do: 'generalise'
      readonly to: readonly string[]
      /** at most 2^maxBits different rows of these dimensions together; rarer ones become `other` */
      readonly maxBits?: number
    }
  | {
      readonly do: 'allow'
      /** `values`, or the keys of a catalogue; absent where a `pattern` rules */
      readonly values?: readonly (string | number | boolean)[]
      readonly pattern?: 'quarter_hours' | 'month'
      /** what another value becomes; absent: the value is dropped; `drop_event`: the event is */
      readonly otherwise?: string
    }
  | { readonly do: 'bucket'; readonly edges: readonly number[] }
  | { readonly do: 'drop'; readonly because: string }

/** One step of a funnel: a page by its route, or an event by its name. */
export interface FunnelStep {
  readonly of: 'page' | 'event'
  readonly value: string
}

/**
 * What a statistic counts beyond its dimensions. `counts`: people and events by dimensions; `live`: people of the last
 * whole 5 minutes; `histogram`: shares of the buckets of a field; `funnel`: people who did the steps in order;
 * `retention`: people of a cohort who came back.
 */
export type StatisticShape =
  | { readonly type: 'counts' }
  | { readonly type: 'live' }
  | { readonly type: 'histogram'; readonly field: string }
  | { readonly type: 'funnel'; readonly steps: readonly FunnelStep[] }
  | { readonly type: 'retention'; readonly cohort: string }

export interface Statistic {
  readonly id: string
  readonly shape: StatisticShape
  readonly title: string
  readonly site: string
  /** those that its shape can have (`RELEASED_WINDOWS` of plan.ts; linted) */
  readonly windows: readonly Window[]
  readonly where: { readonly kind?: EventKind }
  readonly by: readonly string[]
  readonly drill: readonly string[]
  readonly measures: readonly Measure[]
  /** `exact` is allowed for one level of one tree (linted); otherwise people are floored to a step of min_users */
  readonly people: 'floored' | 'exact'
  /** id of a statistic of the same site: answers carry `rate`, events per 100 events of that one */
  readonly per?: string
}

/**
 * Noise of differential privacy, for one day of one person. `epsilon` or `rho` (zero-concentrated) is what a day costs
 * over all statistics of a site together; `capPerYear` is the most that a year may cost, in the same unit.
 */
export type Noise =
  | {
      readonly unit: 'user-day'
      readonly mechanism: 'laplace'
      readonly epsilon: number
      readonly capPerYear: number
    }
  | {
      readonly unit: 'user-day'
      readonly mechanism: 'gaussian'
      readonly rho: number
      readonly delta: number
      readonly capPerYear: number
    }

/** An event of the catalogue. Of a sensitive one, rates of 0 % and 100 % are hidden. */
export interface DeclaredEvent {
  readonly kind: EventKind
  readonly sensitive?: boolean
}

/** A threshold of a kind of site that the rulebook does not declare is one that nothing passes (fail closed). */
export interface Release {
  readonly minUsers: number
  readonly minTenants: number
  readonly minNetworks: number
  readonly maxShare: number
  readonly maxPersonShare: number
  /** rows of one person that count, per kind and day */
  readonly maxEventsPerPerson: number
  /** people are floored to whole steps; at least `minUsers`, which it is where the rulebook states none */
  readonly step: number
  /** null: off */
  readonly noise: Noise | null
}

/** `sites`, `fields`, `events` and `sources` have no prototype: looking up a stranger's name finds only what is listed. */
export interface Rulebook {
  readonly name: string
  readonly version: string
  /** SHA-256 (hex) over the rulebook and its catalogues: stands on every batch and every released cell */
  readonly hash: string
  readonly policy: { readonly version: string; readonly clauses: readonly string[] }
  readonly effective: number
  /** from the start of this UTC day ingest stops */
  readonly expires: number
  readonly noticeAt: number | null
  readonly purpose: {
    readonly id: string
    readonly consent: string
    /** calendar months */
    readonly maxConsentAgeMonths: number
    readonly refuseWhen: ReadonlySet<RefuseSignal>
  }
  readonly sites: Readonly<Record<string, Site>>
  readonly epochs: {
    readonly streams: readonly Stream[]
    readonly latenessMs: number
    readonly destroyKeyAfterMs: number
  }
  /** `client_ip`, `user_id`, `tenant_id`, `timestamp`, `path`, `from_path`, `user_agent`, `utc_offset`, `event_name`,
   *  `role`, `cohort` name what the envelope or the token carries; any other name is a prop of an event */
  readonly fields: Readonly<Record<string, FieldRule>>
  /** the catalogue of event names */
  readonly events: Readonly<Record<string, DeclaredEvent>>
  readonly statistics: readonly Statistic[]
  readonly release: Release
  readonly keep: {
    readonly logMs: number
    readonly stagingAfterEpochMs: number
    readonly releasedMonths: number
    readonly auditDays: number
    /** of sealed batches that may wait on a collector's disk; how long is `logMs` */
    readonly spoolBytes: number
  }
  /** what every text of an event is scanned for; null where the rulebook declares no scan */
  readonly scan: { readonly detectors: readonly Detector[]; readonly onHit: 'drop_event' } | null
  readonly bots: 'drop' | 'count'
  readonly assets: 'drop' | 'count'
  readonly region: string
  readonly examples: readonly {
    readonly in: Readonly<Record<string, unknown>>
    readonly out: Readonly<Record<string, unknown>>
  }[]
  /** streams whose records are stored; no text says it, and absent are all that a statistic needs (plan.ts) */
  readonly stored?: readonly Stream[]
  /** the texts it was made of, by file name; the rulebook itself is `rulebook.yaml` */
  readonly sources: Readonly<Record<string, string>>
}

export type RefuseSignal =
  | 'gpc'
  | 'dnt'
  | 'objected'
  | 'tenant_opted_out'
  | 'account_closed'
  | 'not_adult'
  | 'wrong_region'

/** What the linter says, in one line and with a place. */
export interface Finding {
  /** e.g. `RULE_UNKNOWN_KEY`; stable */
  readonly code: string
  readonly severity: 'error' | 'warning'
  /** file name as given, never a machine's absolute path that the user did not type */
  readonly file: string
  /** 1-based */
  readonly line: number
  /** 1-based */
  readonly column: number
  readonly message: string
  /** which law or attack makes it matter */
  readonly why: string
  /** how to mend it */
  readonly fix: string
}

export type LoadResult =
  | { readonly rulebook: Rulebook; readonly findings: readonly Finding[] }
  | { readonly rulebook: null; readonly findings: readonly Finding[] }
