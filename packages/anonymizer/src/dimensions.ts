/**
 * Dimensions: the columns that declared statistics read, each compiled from its field's rule to one closure.
 * A value that is absent or that its rule drops is the empty string; a rule may also drop the event.
 */
import type { Beacon, BeaconEvent, Clock, TokenClaims } from '@tacit/contracts'
import type { FieldRule, Rulebook } from '@tacit/rulebook'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'
import { type Address, truncateAddress } from './ip.js'
import { compileGeneric, compileRoutes } from './path-template.js'
import { modelClass, type UserAgent } from './user-agent.js'
import { compileAllow, compileBucket, DROP_EVENT } from './values.js'

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
  /** what came in; undefined where nothing did */
  raw(context: EventContext): unknown
  /** the column's value: what leaves memory */
  value(context: EventContext): string | typeof DROP_EVENT
  /** the value as JSON */
  quoted(context: EventContext): string | typeof DROP_EVENT
}

type Transform = (raw: unknown, context: EventContext) => string | typeof DROP_EVENT

/** Raw paths are the one free text that is cached: bounded, and gone after 15 minutes. */
const PATH_CACHE_ENTRIES = 20_000
const QUOTED_CACHE_ENTRIES = 20_000

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

function orEmpty(transform: (raw: unknown) => string | null | typeof DROP_EVENT): Transform {
  return (raw) => transform(raw) ?? ''
}

function templateTransform(rule: Extract<FieldRule, { do: 'template' }>): (path: string) => string {
  if ('routes' in rule) return compileRoutes(rule.routes, rule.otherwise)
  const words = rule.generic.words
  return compileGeneric(words === 'any' ? 'any' : new Set(words))
}

function agentTransform(name: string): Transform {
  switch (name) {
    case 'browser':
      return (_raw, context) => context.agent.browser
    case 'os':
      return (_raw, context) => context.agent.os
    case 'device':
      return (_raw, context) => context.agent.device
    default:
      return () => ''
  }
}

function transformOf(field: string, name: string, rule: FieldRule, clock: Clock, caches: GenerationCache<string>[]): Transform {
  switch (rule.do) {
    case 'template': {
      const template = templateTransform(rule)
      const cache = new GenerationCache<string>({
        maxEntries: PATH_CACHE_ENTRIES,
        maxAgeMs: MAX_RAW_AGE_MS,
        clock,
      })
      caches.push(cache)
      return (raw) => {
        if (typeof raw !== 'string') return ''
        let path = cache.get(raw)
        if (path === undefined) {
          path = template(raw)
          cache.set(raw, path)
        }
        return path
      }
    }
    case 'generalise':
      if (field === 'user_agent') return agentTransform(name)
      return (raw) => (typeof raw === 'string' ? modelClass(raw) : '')
    case 'allow':
      return orEmpty(compileAllow(rule))
    case 'bucket':
      return orEmpty(compileBucket(rule.edges))
    case 'truncate':
      return (_raw, context) =>
        context.address === null ? '' : truncateAddress(context.address, rule.ipv4, rule.ipv6)
    case 'drop':
    case 'pseudonym':
    case 'coarsen':
      // Not a dimension: the linter refuses a statistic that reads one.
      return () => ''
    default: {
      const never: never = rule
      throw new TypeError(`unknown rule ${String(never)}`)
    }
  }
}

/** The field whose rule yields a dimension: itself, or the one that generalises to it. */
function fieldOf(rulebook: Rulebook, dimension: string): readonly [string, FieldRule] | null {
  const own = rulebook.fields[dimension]
  if (own !== undefined && own.do !== 'generalise') return [dimension, own]
  for (const [field, rule] of Object.entries(rulebook.fields)) {
    if (rule.do === 'generalise' && rule.to.includes(dimension)) return [field, rule]
  }
  return null
}

/** Compiles the dimension columns of a rulebook, in the order given. @throws TypeError for one that no field yields */
export function compileDimensions(
  rulebook: Rulebook,
  names: readonly string[],
  clock: Clock,
): { readonly dimensions: readonly Dimension[]; expire(): void; clear(): void } {
  // Generic paths are nearly raw, so quoted values are forgotten like raw ones.
  const quoted = new GenerationCache<string>({ maxEntries: QUOTED_CACHE_ENTRIES, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const caches = [quoted]
  const quote = (value: string): string => {
    let json = quoted.get(value)
    if (json === undefined) {
      json = JSON.stringify(value)
      quoted.set(value, json)
    }
    return json
  }
  const dimensions = names.map((name): Dimension => {
    const found = fieldOf(rulebook, name)
    if (found === null) throw new TypeError(`no field yields the dimension ${name}`)
    const [field, rule] = found
    const raw = readerOf(field)
    const transform = transformOf(field, name, rule, clock, caches)
    const value = (context: EventContext) => transform(raw(context), context)
    return {
      name,
      field,
      rule,
      raw,
      value,
      quoted(context) {
        const out = value(context)
        return out === DROP_EVENT ? out : quote(out)
      },
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
