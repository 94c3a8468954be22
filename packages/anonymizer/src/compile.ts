/**
 * A rulebook compiles once, here, to closures; nothing of it is interpreted per event.
 *
 * The way of one event: decide (whole beacon) → late? → scanned → name allowed? → its dimensions, each read,
 * transformed and quoted → pseudonyms → one JSONCompactEachRow tail for the day, and one for each statistic of a week or
 * a month, handed to the sink. Raw values live in the arguments of one call and in bounded caches of at most 15 minutes.
 */
import { type Beacon, type BeaconEvent, type Clock, HOUR, type Reason, type Stream } from '@tacit/contracts'
import {
  type Detector,
  type EventKind,
  isProp,
  type Rulebook,
  type StreamPlan,
  streamPlans,
} from '@tacit/rulebook'
import type { DecisionFacts, PersonState, TokenResult } from './decide.js'
import { compileDimensions, type CountryLookup, type Dimension, type EventContext } from './dimensions.js'
import { compileEventScan } from './event-scan.js'
import {
  Calendar,
  type CalendarDay,
  type Identity,
  Identities,
  type KeyNeed,
  type PeekKey,
  type Resolved,
  type Subject,
} from './identity.js'
import type { Address } from './ip.js'
import { DAY_END } from './lateness.js'
import { compileMemberships } from './memberships.js'
import { type CompiledEvent, type CompiledSite, compileSites } from './sites.js'
import type { UserAgentReader } from './user-agent.js'
import { DROP_EVENT } from './values.js'
import { compileWordReports } from './word-reports.js'
import type { WordSink } from './word-learner.js'

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
  /** ms; when the request was made, where that is not now: by it the age of a consent is judged */
  readonly time?: number | undefined
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

/** Where an anonymised beacon goes. Hours are ms, whole UTC hours of event time. */
export interface RecordSink {
  /** one record: the JSON of the stream's columns and dimensions (plan.ts) without `[` and landing columns, ending in `]` */
  row(stream: Stream, epoch: string, tail: string): void
  accepted(hour: number): void
  dropped(hour: number, reason: Reason): void
  removedProps(count: number): void
  /** a detector dropped an event; `field` is a name of the rulebook's, or `props` for what no rule names */
  detected(detector: Detector, field: string): void
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

/** The beacon's person on one day, in each stream. */
interface ResolvedDay {
  readonly day: CalendarDay
  readonly identities: readonly Resolved[]
}

/** Nobody objected, withdrew or closed an account, as far as is known. */
export const NO_PERSON: PersonState = {}
/** Never added to: without such streams nothing is told. */
const NOTHING_TOLD: Set<string> = new Set()

/** Compiles a rulebook. */
export function compileAnonymizer(rulebook: Rulebook, options: CompileOptions): Anonymizer {
  const { agents, clock } = options
  const plans = options.plans ?? streamPlans(rulebook)
  const streams = plans.map(({ stream }) => stream)
  const sites = compileSites(rulebook, streams)
  const dayAt = streams.indexOf('day')
  const columnNames = [...new Set(plans.flatMap(({ dimensions }) => dimensions))].sort()
  const compiled = compileDimensions(rulebook, columnNames, options)
  const byName = new Map(compiled.dimensions.map((dimension) => [dimension.name, dimension]))
  const dayColumns = columnsOf(
    plans.find(({ stream }) => stream === 'day'),
    byName,
  )
  const memberships = plans
    .filter(({ stream }) => stream !== 'day')
    .map((plan) => compileMemberships(rulebook, plan, byName))
  const named = new Set(Object.keys(rulebook.fields).filter(isProp))
  const timestamp = rulebook.fields['timestamp']
  const grain = timestamp?.do === 'coarsen' ? timestamp.toMs : HOUR
  const lateness = rulebook.epochs.latenessMs
  const notBefore = options.notBefore ?? Number.NEGATIVE_INFINITY
  const calendar = new Calendar()
  const identities = new Identities(clock)
  const scan = compileEventScan(rulebook, clock)
  const reportWords = compileWordReports(compiled.dimensions, streams, options.words)

  /** Of another rulebook's time, or its finest window has closed: late for that one is late for all. */
  function isLate(time: number, of: CompiledEvent | undefined, at: number): boolean {
    return time < notBefore || (of?.windowEnd ?? DAY_END)(time) + lateness <= at
  }

  /** The beacon's person on one day, in every stream; the keys that must be loaded first go into `needs`. */
  function resolveDay(subject: Subject, day: CalendarDay, peek: PeekKey, needs: KeyNeed[]): ResolvedDay {
    const resolved = streams.map((stream) =>
      identities.resolve(subject, stream, day.epochs[stream].label, peek),
    )
    for (const one of resolved) if (one.state === 'needed') needs.push(...one.needs)
    return { day, identities: resolved }
  }

  /** The days of the beacon's events that are still open, nearly always one. */
  function resolveDays(
    beacon: Beacon,
    entry: CompiledSite,
    subject: Subject,
    at: number,
    peek: PeekKey,
    needs: KeyNeed[],
  ): readonly ResolvedDay[] {
    const resolved: ResolvedDay[] = []
    let last: CalendarDay | null = null
    for (const event of beacon.events) {
      const time = at - event.age
      const day = calendar.of(time)
      if (day === last) continue
      const of = eventOf(entry, event)
      if (isLate(time, of, at) || of?.streams.length === 0) continue
      last = day
      if (!resolved.some((known) => known.day === day)) resolved.push(resolveDay(subject, day, peek, needs))
    }
    return resolved
  }

  function subjectOf(input: AnonymizerInput, entry: CompiledSite): Subject | null {
    if (entry.site.identity === 'signed' && input.token.state === 'valid') {
      const { claims } = input.token
      return { identity: 'signed', claims, scope: { of: 'tenant', tenant: claims.tenant } }
    }
    const { address, userAgent } = input
    return address === null ? null : { identity: 'network', address, userAgent, scope: entry.scope }
  }

  function dropAll(input: AnonymizerInput, reason: Reason, at: number, sink: RecordSink): null {
    for (const event of input.beacon.events) {
      const time = at - event.age
      sink.dropped(time - (time % HOUR), reason)
    }
    return null
  }

  function countRemovedProps(event: BeaconEvent, sink: RecordSink): void {
    if (event.props === undefined) return
    let removed = 0
    for (const name in event.props) if (!named.has(name)) removed++
    if (removed > 0) sink.removedProps(removed)
  }

  /** The rows that a week or a month is told: each cell of a statistic once a beacon. */
  function emitMemberships(
    context: EventContext,
    entry: CompiledSite,
    kind: EventKind,
    { day, identities: people }: ResolvedDay,
    told: Set<string>,
    sink: RecordSink,
  ): void {
    for (const { of, stream } of memberships) {
      const person = people[streams.indexOf(stream)]
      if (person?.state !== 'known') continue
      const epoch = day.epochs[stream]
      for (const membership of of(entry.site.id, kind)) {
        const columns = membership.columns(context)
        if (columns === null) continue
        const tail = `${epoch.quoted},${entry.quoted},${membership.statistic},${person.columns}${columns}]`
        if (told.has(tail)) continue
        told.add(tail)
        sink.row(stream, epoch.label, tail)
      }
    }
  }

  /** One event of a beacon that may be counted: its records into the sink, or the reason why there are none. */
  function processEvent(
    event: BeaconEvent,
    context: EventContext,
    entry: CompiledSite,
    resolved: readonly ResolvedDay[],
    ofBeacon: BeaconColumns,
    at: number,
    told: Set<string>,
    sink: RecordSink,
  ): Reason | null {
    const time = at - event.age
    const day = calendar.of(time)
    const of = eventOf(entry, event)
    if (isLate(time, of, at)) return 'late'
    context.event = event
    const detection = scan(context)
    if (detection !== null) {
      sink.detected(detection.detector, detection.field)
      return `pii.${detection.detector}`
    }
    if (of === undefined) return 'event.unknown'
    const { isRecorded, kind } = of
    if (of.streams.length === 0) {
      // Counted only in windows whose records are not made here.
      countRemovedProps(event, sink)
      return null
    }
    const person = resolved.find((known) => known.day === day)
    if (person === undefined) return 'key_missing'
    const refusal = refusalOf(person, of)
    if (refusal !== null) return refusal
    countRemovedProps(event, sink)
    if (isRecorded && dayAt >= 0) {
      const columns = rowColumns(dayColumns, ofBeacon, context)
      if (columns === null) return 'rule_failed'
      const { columns: identity, own } = person.identities[dayAt] as Identity
      const epoch = day.epochs.day
      const received = (at - (at % HOUR)) / 1000
      const coarse = (time - (time % grain)) / 1000
      sink.row(
        'day',
        epoch.label,
        `${received},${epoch.quoted},${coarse},${entry.quoted},"${kind}",${identity},"${own.eventId(event.id)}"${columns}]`,
      )
    }
    if (memberships.length > 0) emitMemberships(context, entry, kind, person, told, sink)
    if (reportWords !== null) reportWords(entry.site, context, person)
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
    if (entry === undefined) return dropAll(input, 'unknown_site', at, sink)
    const agent = agents(input.userAgent)
    const facts: DecisionFacts = {
      source: input.source,
      origin: input.origin,
      gpc: input.gpc,
      dnt: input.dnt,
      token: input.token,
      person: input.person,
      bot: agent.bot,
      consent: beacon.consent,
    }
    const refusal = entry.decide(facts, input.time ?? at)
    if (refusal !== null) return dropAll(input, refusal, at, sink)
    const subject = subjectOf(input, entry)
    // No address that can be read: nobody to count. Fail closed.
    if (subject === null) return dropAll(input, 'rule_failed', at, sink)
    const needs: KeyNeed[] = []
    const resolved = resolveDays(beacon, entry, subject, at, peek, needs)
    if (needs.length > 0) return needs
    const claims = input.token.state === 'valid' ? input.token.claims : null
    const context: EventContext = { event: null, beacon, claims, agent, address: input.address }
    const told = memberships.length > 0 ? new Set<string>() : NOTHING_TOLD
    const ofBeacon = beaconColumns(dayColumns, context)
    let allowance = input.allowance
    for (const event of beacon.events) {
      const time = at - event.age
      const hour = time - (time % HOUR)
      const reason =
        allowance-- <= 0 ? 'rate' : processEvent(event, context, entry, resolved, ofBeacon, at, told, sink)
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
      scan.expire()
      identities.expire()
      options.words?.expire()
    },
    clear() {
      agents.clear()
      compiled.clear()
      scan.clear()
      identities.clear()
      options.words?.clear()
    },
  }
}

/** What the rulebook says of an event's name; undefined where no catalogue lists it. */
function eventOf({ events }: CompiledSite, { name }: BeaconEvent): CompiledEvent | undefined {
  return events.get(name)
}

/** Why an event's person is not known in a stream that counts it, or null. */
function refusalOf({ identities }: ResolvedDay, { streams }: CompiledEvent): Reason | null {
  for (const stream of streams) {
    const identity = identities[stream]
    if (identity?.state !== 'known') return identity?.state === 'refused' ? identity.reason : 'key_missing'
  }
  return null
}

function columnsOf(
  plan: StreamPlan | undefined,
  dimensions: ReadonlyMap<string, Dimension>,
): readonly Dimension[] {
  return (plan?.dimensions ?? []).flatMap((name) => dimensions.get(name) ?? [])
}

/** Columns that are the same for every event of a beacon, quoted once; null where the event has its own. */
type BeaconColumns = readonly (string | typeof DROP_EVENT | null)[]

function beaconColumns(dimensions: readonly Dimension[], context: EventContext): BeaconColumns {
  return dimensions.map((dimension) => (dimension.isOfBeacon ? dimension.quoted(context) : null))
}

/** The quoted dimension columns, each with its comma before it; null where a rule drops the event. */
function rowColumns(
  dimensions: readonly Dimension[],
  ofBeacon: BeaconColumns,
  context: EventContext,
): string | null {
  let columns = ''
  for (let at = 0; at < dimensions.length; at++) {
    const value = ofBeacon[at] ?? (dimensions[at] as Dimension).quoted(context)
    if (value === DROP_EVENT) return null
    columns += `,${value}`
  }
  return columns
}
