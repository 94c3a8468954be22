/**
 * A rulebook compiles once, here, to closures; nothing of it is interpreted per event.
 *
 * The way of one event: decide (whole beacon) → late? → name allowed? → its dimensions, each read, transformed and
 * quoted → pseudonyms → one JSONCompactEachRow tail, handed to the sink. Raw values live in the arguments of one call
 * and in bounded caches of at most 15 minutes.
 */
import {
  type Beacon,
  type BeaconEvent,
  type Clock,
  DAY,
  HOUR,
  type Reason,
  type Stream,
  type TokenClaims,
  utcDay,
} from '@tacit/contracts'
import type { KeyScope, Pseudonymizer } from '@tacit/keyring'
import {
  type Detector,
  type EventKind,
  isRecorded,
  type Rulebook,
  type Site,
  type StreamPlan,
  streamPlans,
} from '@tacit/rulebook'
import { type DecisionFacts, decide, type PersonState, type TokenResult } from './decide.js'
import { compileDimensions, type Dimension, type EventContext } from './dimensions.js'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'
import { type Address, identityAddress, identityNetwork } from './ip.js'
import type { UserAgentReader } from './user-agent.js'
import { DROP_EVENT } from './values.js'

/** Fields that the envelope or the token carries: a prop of the same name is named by no rule. */
const ENVELOPE_FIELDS: ReadonlySet<string> = new Set([
  'client_ip',
  'user_id',
  'tenant_id',
  'timestamp',
  'path',
  'from_path',
  'user_agent',
  'utc_offset',
  'language',
  'event_name',
  'role',
  'cohort',
])
/** Devices of one (epoch, site) whose pseudonyms are remembered. */
const DEVICE_CACHE_ENTRIES = 50_000

/** A beacon that parsed, and what the request said around it. */
export interface AnonymizerInput {
  readonly source: 'beacon' | 'line'
  readonly beacon: Beacon
  readonly address: Address | null
  readonly userAgent: string
  readonly origin: string | null
  readonly gpc: boolean
  readonly dnt: boolean
  readonly token: TokenResult
  readonly person: PersonState
  /** how many more events this token may send now; the rest is `rate` */
  readonly allowance: number
}

/** What compiling needs beside the rulebook. */
export interface CompileOptions {
  /** the cached reader of user agents */
  readonly agents: UserAgentReader
  /** by which caches age */
  readonly clock: Clock
  /** the streams whose records are made; by default all that declared statistics need */
  readonly plans?: readonly StreamPlan[]
  /** finds the country of a cut network; without it every country is `ZZ` */
  readonly countries?: CountryLookup
  /** told of path segments that no word list approves, where a rule names one */
  readonly words?: WordSink
  /** ms: events of an earlier time are `late`, because another rulebook ruled then and its windows are its own */
  readonly notBefore?: number
}

/**
 * The country of a network that was cut already: ISO 3166-1 alpha-2, or `ZZ` where nobody knows.
 * @param network CIDR form, as truncateAddress writes it
 */
export type CountryLookup = (network: string) => string

/** Told of a segment that a word list does not approve, and of the person who used it (a pseudonym of the day). */
export type WordSink = (day: string, segment: string, person: string) => void

/** Where an anonymised beacon goes. Hours are ms, whole UTC hours of event time. */
export interface RecordSink {
  /** one record: the JSON of RECORD_COLUMNS and dimensions without `[` and landing columns, ending in `]` */
  row(stream: Stream, epoch: string, tail: string): void
  accepted(hour: number): void
  dropped(hour: number, reason: Reason): void
  removedProps(count: number): void
  /** a detector dropped an event; `field` is a name of the rulebook's, or `props` for what no rule names */
  detected(detector: Detector, field: string): void
}

/** Keys on the hot path: `undefined` means that it must be loaded first. */
export type PeekKey = (
  stream: Stream,
  epoch: string,
  scope: KeyScope,
) => Pseudonymizer | 'late' | 'missing' | undefined

export interface KeyNeed {
  readonly stream: Stream
  readonly epoch: string
  readonly scope: KeyScope
}

export interface Anonymizer {
  /**
   * Anonymises one beacon into the sink. Where keys must be loaded first, nothing has happened yet and they are
   * returned; load them and call again.
   */
  process(input: AnonymizerInput, now: number, peek: PeekKey, sink: RecordSink): readonly KeyNeed[] | null
  /** Forgets cached raw values that are due; call it on a timer, because without requests nothing else would. */
  expire(): void
  /** Forgets every cached raw value and pseudonym at once: an epoch's key died. */
  clear(): void
  readonly dimensions: readonly Dimension[]
}

interface CompiledSite {
  readonly site: Site
  /** whose key names people here where nobody signs */
  readonly scope: KeyScope
  readonly recorded: ReadonlySet<EventKind>
  /** JSON of the site's column */
  readonly quoted: string
}

/** One UTC day's epoch, as columns want it. */
interface DayEpoch {
  readonly label: string
  readonly quoted: string
  readonly end: number
}

/** What a beacon's person is within one day's epoch; `own` and `person` are there where they may be counted. */
interface ResolvedDay {
  readonly day: DayEpoch
  readonly own?: Pseudonymizer
  /** quoted identity columns */
  readonly person?: string
  readonly refusal?: Reason
  readonly needs?: readonly KeyNeed[]
}

/** Nobody objected, withdrew or closed an account, as far as is known. */
export const NO_PERSON: PersonState = {}
const NO_NEEDS: readonly KeyNeed[] = []
const TENANTS: KeyScope = { of: 'tenants' }

class DayEpochs {
  readonly #days = new Map<number, DayEpoch>()

  of(time: number): DayEpoch {
    const index = Math.floor(time / DAY)
    let day = this.#days.get(index)
    if (day === undefined) {
      if (this.#days.size > 64) this.#days.clear()
      const date = utcDay(index * DAY)
      day = { label: `day:${date}`, quoted: `"${date}"`, end: (index + 1) * DAY }
      this.#days.set(index, day)
    }
    return day
  }
}

/** Compiles a rulebook. */
export function compileAnonymizer(rulebook: Rulebook, options: CompileOptions): Anonymizer {
  const { agents, clock } = options
  const sites = new Map<string, CompiledSite>(
    Object.values(rulebook.sites).map((site) => [
      site.id,
      {
        site,
        scope: { of: 'site', site: site.id },
        quoted: JSON.stringify(site.id),
        recorded: new Set(
          (['page_view', 'feature', 'timing', 'error', 'device'] as const).filter((kind) =>
            isRecorded(rulebook, site.id, kind),
          ),
        ),
      },
    ]),
  )
  const plan = streamPlans(rulebook)[0]
  const compiled = compileDimensions(rulebook, plan?.dimensions ?? [], clock)
  const kinds = new Map(Object.entries(rulebook.events).map(([name, event]) => [name, event.kind]))
  const named = new Set(Object.keys(rulebook.fields).filter((field) => !ENVELOPE_FIELDS.has(field)))
  const timestamp = rulebook.fields['timestamp']
  const grain = timestamp?.do === 'coarsen' ? timestamp.toMs : HOUR
  const lateness = rulebook.epochs.latenessMs
  const days = new DayEpochs()
  /** identity columns of devices by key, so that they die with it */
  let devices = new Map<Pseudonymizer, GenerationCache<string>>()
  /** identity columns of signed people by their claims, which their token's cache forgets */
  let people = new WeakMap<TokenClaims, { readonly key: Pseudonymizer; readonly columns: string }>()

  /** `"standing","tenant","person","network"` of a signed person. */
  function signedColumns(claims: TokenClaims, own: Pseudonymizer, tenants: Pseudonymizer): string {
    const known = people.get(claims)
    if (known !== undefined && known.key === own) return known.columns
    const tenant = tenants.pseudonym('tenant', claims.tenant)
    const person = own.pseudonym('uid', claims.sub)
    const columns = `"${claims.standing}","${tenant}","${person}",""`
    people.set(claims, { key: own, columns })
    return columns
  }

  function networkColumns(address: Address, userAgent: string, key: Pseudonymizer): string {
    let cache = devices.get(key)
    if (cache === undefined) {
      cache = new GenerationCache({ maxEntries: DEVICE_CACHE_ENTRIES, maxAgeMs: MAX_RAW_AGE_MS, clock })
      devices.set(key, cache)
    }
    const identity = identityAddress(address)
    // An address holds no line feed, so the first one divides the two without doubt.
    const id = `${identity}\n${userAgent}`
    let columns = cache.get(id)
    if (columns === undefined) {
      const person = key.pseudonym('net', identity, userAgent)
      columns = `"","","${person}","${key.pseudonym('network', identityNetwork(address))}"`
      cache.set(id, columns)
    }
    return columns
  }

  /** What the beacon's person is in one day's epoch, or why there is nobody, or which keys must be loaded. */
  function resolveDay(
    input: AnonymizerInput,
    entry: CompiledSite,
    day: DayEpoch,
    peek: PeekKey,
  ): ResolvedDay {
    const claims = input.token.state === 'valid' ? input.token.claims : null
    const { label } = day
    if (entry.site.identity === 'network' || claims === null) {
      const own = peek('day', label, entry.scope)
      if (own === undefined) return { day, needs: [{ stream: 'day', epoch: label, scope: entry.scope }] }
      if (typeof own === 'string') return { day, refusal: own === 'late' ? 'late' : 'key_missing' }
      return { day, own, person: networkColumns(input.address as Address, input.userAgent, own) }
    }
    const scope: KeyScope = { of: 'tenant', tenant: claims.tenant }
    const own = peek('day', label, scope)
    const tenants = peek('day', label, TENANTS)
    if (own === undefined || tenants === undefined) {
      const wanted = [...(own === undefined ? [scope] : []), ...(tenants === undefined ? [TENANTS] : [])]
      return { day, needs: wanted.map((missing) => ({ stream: 'day', epoch: label, scope: missing })) }
    }
    if (own === 'late' || tenants === 'late') return { day, refusal: 'late' }
    if (own === 'missing' || tenants === 'missing') return { day, refusal: 'key_missing' }
    return { day, own, person: signedColumns(claims, own, tenants) }
  }

  /** The days of the beacon's events that are still open, nearly always one. */
  function resolveDays(
    input: AnonymizerInput,
    entry: CompiledSite,
    at: number,
    peek: PeekKey,
  ): ResolvedDay[] {
    const resolved: ResolvedDay[] = []
    let last: DayEpoch | null = null
    for (const event of input.beacon.events) {
      const day = days.of(at - event.age)
      if (day === last || day.end + lateness <= at) continue
      last = day
      if (!resolved.some((known) => known.day === day)) resolved.push(resolveDay(input, entry, day, peek))
    }
    return resolved
  }

  function dropAll(input: AnonymizerInput, reason: Reason, at: number, sink: RecordSink): void {
    for (const event of input.beacon.events) {
      const time = at - event.age
      sink.dropped(time - (time % HOUR), reason)
    }
  }

  function countRemovedProps(event: BeaconEvent, sink: RecordSink): void {
    if (event.props === undefined) return
    let removed = 0
    for (const name in event.props) if (!named.has(name)) removed++
    if (removed > 0) sink.removedProps(removed)
  }

  /** The quoted dimension columns, each with its comma before it; null where a rule drops the event. */
  function dimensionColumns(context: EventContext): string | null {
    let columns = ''
    for (const dimension of compiled.dimensions) {
      const value = dimension.quoted(context)
      if (value === DROP_EVENT) return null
      columns += `,${value}`
    }
    return columns
  }

  /** One event of a beacon that may be counted: its record into the sink, or the reason why there is none. */
  function processEvent(
    event: BeaconEvent,
    context: EventContext,
    entry: CompiledSite,
    resolved: readonly ResolvedDay[],
    at: number,
    sink: RecordSink,
  ): Reason | null {
    const time = at - event.age
    const day = days.of(time)
    if (day.end + lateness <= at) return 'late'
    const kind = kinds.get(event.name)
    if (kind === undefined) return 'event.unknown'
    const keys = resolved.find((known) => known.day === day)
    if (keys?.own === undefined) return keys?.refusal ?? 'key_missing'
    countRemovedProps(event, sink)
    if (!entry.recorded.has(kind)) return null
    context.event = event
    const columns = dimensionColumns(context)
    if (columns === null) return 'rule_failed'
    const received = (at - (at % HOUR)) / 1000
    const coarse = (time - (time % grain)) / 1000
    sink.row(
      'day',
      day.label,
      `${received},${day.quoted},${coarse},${entry.quoted},"${kind}",${keys.person},"${keys.own.eventId(event.id)}"${columns}]`,
    )
    return null
  }

  function process(
    input: AnonymizerInput,
    at: number,
    peek: PeekKey,
    sink: RecordSink,
  ): readonly KeyNeed[] | null {
    const { beacon } = input
    const entry = sites.get(beacon.site)
    const agent = agents(input.userAgent)
    const facts: DecisionFacts = {
      source: input.source,
      origin: input.origin,
      gpc: input.gpc,
      dnt: input.dnt,
      token: input.token,
      person: input.person,
      bot: agent.bot,
      bodyConsent: beacon.consent?.analytics,
    }
    const refusal = decide(rulebook, entry?.site, facts, at)
    if (refusal !== null || entry === undefined) {
      dropAll(input, refusal ?? 'unknown_site', at, sink)
      return null
    }
    if (entry.site.identity === 'network' && input.address === null) {
      // No address that can be read: nobody to count. Fail closed.
      dropAll(input, 'rule_failed', at, sink)
      return null
    }
    const resolved = resolveDays(input, entry, at, peek)
    const needs = resolved.flatMap((day) => day.needs ?? NO_NEEDS)
    if (needs.length > 0) return needs
    const claims = input.token.state === 'valid' ? input.token.claims : null
    const context: EventContext = { event: null, beacon, claims, agent, address: input.address }
    let allowance = input.allowance
    for (const event of beacon.events) {
      const time = at - event.age
      const hour = time - (time % HOUR)
      const reason = allowance-- <= 0 ? 'rate' : processEvent(event, context, entry, resolved, at, sink)
      if (reason === null) sink.accepted(hour)
      else sink.dropped(hour, reason)
    }
    return null
  }

  return {
    process,
    dimensions: compiled.dimensions,
    expire() {
      agents.expire()
      compiled.expire()
      for (const [key, cache] of devices) {
        cache.expire()
        if (cache.size === 0) devices.delete(key)
      }
    },
    clear() {
      agents.clear()
      compiled.clear()
      devices = new Map()
      people = new WeakMap()
    },
  }
}
