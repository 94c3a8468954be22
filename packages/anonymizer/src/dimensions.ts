/**
 * Dimensions: the columns that declared statistics read, each compiled from its field's rule to one closure.
 * A value that is absent or that its rule drops is the empty string; a rule may also drop the event.
 */
import type { Beacon, BeaconEvent, Clock, TokenClaims } from '@tacit/contracts'
import { type FieldRule, fieldOf, type Rulebook, sourceOf } from '@tacit/rulebook'
import { compileFamilies, compileModelClass } from './families.js'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'
import { type Address, isDocumentation, truncateAddress } from './ip.js'
import { compileGeneric, compileRoutes } from './path-template.js'
import { modelClass, type UserAgent } from './user-agent.js'
import { compileAllow, compileBucket, DROP_EVENT } from './values.js'

/**
 * The country of a network that was cut already: ISO 3166-1 alpha-2, or `ZZ` where nobody knows.
 * @param network CIDR form, as truncateAddress writes it
 */
export type CountryLookup = (network: string) => string

/** What compiling dimensions needs beside the rulebook. */
export interface DimensionOptions {
  /** by which caches age */
  readonly clock: Clock
  /** finds the country of a cut network; without it every country is `ZZ` */
  readonly countries?: CountryLookup
}

/** What a dimension can read: one event within its beacon. */
export interface EventContext {
  event: BeaconEvent | null
  readonly beacon: Beacon
  readonly claims: TokenClaims | null
  readonly agent: UserAgent
  readonly address: Address | null
}

export interface Dimension {
  /** column name */
  readonly name: string
  /** the field of the rulebook that it is made of */
  readonly field: string
  readonly rule: FieldRule
  /** whether it is the same for every event of a beacon: it comes from the request, the token or the page */
  readonly isOfBeacon: boolean
  /** what came in; undefined where nothing did */
  raw(context: EventContext): unknown
  /** the column's value: what leaves memory */
  value(context: EventContext): string | typeof DROP_EVENT
  /** the value as JSON */
  quoted(context: EventContext): string | typeof DROP_EVENT
}

type Value = string | typeof DROP_EVENT
/** A transform's value and, where it is at hand, its JSON. */
interface Transform {
  value(raw: unknown, context: EventContext): Value
  quoted(raw: unknown, context: EventContext): Value
}

/** Raw paths are the one free text that is cached: bounded, and gone after 15 minutes. */
const PATH_CACHE_ENTRIES = 20_000
const MAX_CLOSED_VALUES = 10_000
/** ISO 3166-1, user-assigned: no country that is known. */
const UNKNOWN_COUNTRY = 'ZZ'

/** Where a field's raw value is found. Any name that is not a known source is a prop of the event. */
function readerOf(field: string): (context: EventContext) => unknown {
  switch (field) {
    case 'client_ip':
      return (context) => context.address
    case 'path':
      return (context) => context.event?.path
    case 'from_path':
      return (context) => context.event?.from_path
    case 'event_name':
      return (context) => context.event?.name
    case 'utc_offset':
      return (context) => context.beacon.client?.utc_offset
    case 'language':
      return (context) => context.beacon.client?.language
    case 'role':
      return (context) => context.claims?.role
    case 'cohort':
      return (context) => context.claims?.cohort
    case 'user_agent':
      return (context) => context.agent
    default:
      return (context) => {
        const props = context.event?.props
        return props !== undefined && Object.hasOwn(props, field) ? props[field] : undefined
      }
  }
}

/** Columns of a closed set of values: their JSON is kept for good, because the rulebook enumerates them. */
function closedSet(transform: (raw: unknown, context: EventContext) => Value | null): Transform {
  const quoted = new Map<string, string>()
  const value = (raw: unknown, context: EventContext): Value => transform(raw, context) ?? ''
  return {
    value,
    quoted(raw, context) {
      const out = value(raw, context)
      if (out === DROP_EVENT) return out
      let json = quoted.get(out)
      if (json === undefined) {
        json = JSON.stringify(out)
        // A pattern (months) enumerates many values: the bound holds all the same.
        if (quoted.size < MAX_CLOSED_VALUES) quoted.set(out, json)
      }
      return json
    },
  }
}

interface Templated {
  readonly path: string
  readonly quoted: string
}

const NO_PATH: Templated = { path: '', quoted: '""' }

/** Paths: raw ones and, in a generic template, what becomes of them are forgotten within 15 minutes. */
function templated(
  rule: Extract<FieldRule, { do: 'template' }>,
  cache: GenerationCache<Templated>,
): Transform {
  const template = templateTransform(rule)
  const read = (raw: unknown): Templated => {
    if (typeof raw !== 'string') return NO_PATH
    let found = cache.get(raw)
    if (found === undefined) {
      const path = template(raw)
      found = { path, quoted: JSON.stringify(path) }
      cache.set(raw, found)
    }
    return found
  }
  return { value: (raw) => read(raw).path, quoted: (raw) => read(raw).quoted }
}

function templateTransform(rule: Extract<FieldRule, { do: 'template' }>): (path: string) => string {
  if ('routes' in rule) return compileRoutes(rule.routes, rule.otherwise)
  const words = rule.generic.words
  return compileGeneric(words === 'any' ? 'any' : new Set(words))
}

function agentFamily(name: string, rule: Extract<FieldRule, { do: 'generalise' }>): Transform {
  const families = compileFamilies(rule.to, rule.maxBits)
  return closedSet((_raw, { agent }) => families(agent)[name] ?? null)
}

function modelClasses(maxBits: number | undefined): Transform {
  const within = compileModelClass(maxBits)
  return closedSet((raw) => (typeof raw === 'string' ? within(modelClass(raw)) : null))
}

function transformOf(
  field: string,
  name: string,
  rule: FieldRule,
  { clock, countries }: DimensionOptions,
  caches: GenerationCache<Templated>[],
): Transform {
  switch (rule.do) {
    case 'template': {
      const cache = new GenerationCache<Templated>({
        maxEntries: PATH_CACHE_ENTRIES,
        maxAgeMs: MAX_RAW_AGE_MS,
        clock,
      })
      caches.push(cache)
      return templated(rule, cache)
    }
    case 'generalise':
      if (field === 'user_agent') return agentFamily(name, rule)
      return modelClasses(rule.maxBits)
    case 'allow':
      return closedSet(compileAllow(rule))
    case 'bucket':
      return closedSet(compileBucket(rule.edges))
    case 'truncate': {
      const network = (address: Address | null): string =>
        address === null ? '' : truncateAddress(address, rule.ipv4, rule.ipv6)
      if (rule.keeps === 'network') return openSet((_raw, { address }) => network(address))
      // Cut first: what finds the country never sees the address.
      return closedSet((_raw, { address }) =>
        address === null
          ? null
          : isDocumentation(address)
            ? UNKNOWN_COUNTRY
            : (countries?.(network(address)) ?? UNKNOWN_COUNTRY),
      )
    }
    case 'drop':
    case 'pseudonym':
    case 'coarsen':
      // Not a dimension: the linter refuses a statistic that reads one.
      return closedSet(() => null)
    default: {
      const never: never = rule
      throw new TypeError(`unknown rule ${String(never)}`)
    }
  }
}

/** Columns whose values nobody can enumerate: nothing of them is kept. */
function openSet(transform: (raw: unknown, context: EventContext) => string): Transform {
  return { value: transform, quoted: (raw, context) => JSON.stringify(transform(raw, context)) }
}

/** Compiles the dimension columns of a rulebook, in the order given. @throws TypeError for one that no field yields */
export function compileDimensions(
  rulebook: Rulebook,
  names: readonly string[],
  options: DimensionOptions,
): { readonly dimensions: readonly Dimension[]; expire(): void; clear(): void } {
  const caches: GenerationCache<Templated>[] = []
  const dimensions = names.map((name): Dimension => {
    const field = fieldOf(rulebook, name)
    const rule = field === null ? undefined : rulebook.fields[field]
    if (field === null || rule === undefined) throw new TypeError(`no field yields the dimension ${name}`)
    const raw = readerOf(field)
    const transform = transformOf(field, name, rule, options, caches)
    return {
      name,
      field,
      rule,
      isOfBeacon: sourceOf(field).from !== 'event',
      raw,
      value: (context) => transform.value(raw(context), context),
      quoted: (context) => transform.quoted(raw(context), context),
    }
  })
  return {
    dimensions,
    expire: () => {
      for (const cache of caches) cache.expire()
    },
    clear: () => {
      for (const cache of caches) cache.clear()
    },
  }
}
