/**
 * Single fields through the very transforms of the hot path, without a person, a key or a decision: what a rulebook's
 * examples are held to.
 */
import type { Beacon, Clock, Reason, TokenClaims } from '@tacit/contracts'
import { isProp, type Rulebook, yieldedDimensions } from '@tacit/rulebook'
import { compileDimensions, type CountryLookup, type EventContext } from './dimensions.js'
import { compileEventScan } from './event-scan.js'
import { parseAddress } from './ip.js'
import { createUserAgentReader } from './user-agent.js'
import { DROP_EVENT } from './values.js'

/** What became of the fields of one event. */
export interface FieldOutcome {
  /** by dimension; '' where nothing is left */
  readonly values: Readonly<Record<string, string>>
  /** why the whole event is dropped, or null */
  readonly dropped: Reason | null
}

/** Fields by their names in the rulebook, as they come in. */
export type FieldTrial = (fields: Readonly<Record<string, unknown>>) => FieldOutcome

export interface FieldTrialOptions {
  readonly clock: Clock
  readonly countries?: CountryLookup
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function beaconOf(fields: Readonly<Record<string, unknown>>, name: string): Beacon {
  const props = Object.entries(fields).filter(([field]) => isProp(field))
  const path = text(fields['path'])
  const fromPath = text(fields['from_path'])
  const language = text(fields['language'])
  const offset = fields['utc_offset']
  return {
    v: 1,
    site: '',
    client: {
      ...(language === undefined ? {} : { language }),
      ...(typeof offset === 'number' ? { utc_offset: offset } : {}),
    },
    events: [
      {
        id: 'example',
        name,
        age: 0,
        ...(path === undefined ? {} : { path }),
        ...(fromPath === undefined ? {} : { from_path: fromPath }),
        props: Object.fromEntries(props) as NonNullable<Beacon['events'][number]['props']>,
      },
    ],
  }
}

function claimsOf(fields: Readonly<Record<string, unknown>>): TokenClaims {
  return {
    tenant: '',
    standing: 'established',
    sub: '',
    role: text(fields['role']),
    cohort: text(fields['cohort']),
  }
}

/** Compiles a trial of a rulebook's fields. */
export function compileFieldTrial(rulebook: Rulebook, options: FieldTrialOptions): FieldTrial {
  const names = Object.entries(rulebook.fields).flatMap(([field, rule]) => yieldedDimensions(field, rule))
  const { dimensions } = compileDimensions(rulebook, names, options)
  const scan = compileEventScan(rulebook, options.clock)
  const agents = createUserAgentReader({ maxEntries: 2, maxAgeMs: 1_000, clock: options.clock })
  const first = Object.keys(rulebook.events)[0] ?? ''
  return (fields) => {
    const name = text(fields['event_name']) ?? first
    const beacon = beaconOf(fields, name)
    const context: EventContext = {
      event: beacon.events[0] ?? null,
      beacon,
      claims: claimsOf(fields),
      agent: agents(text(fields['user_agent']) ?? ''),
      address: parseAddress(text(fields['client_ip']) ?? ''),
    }
    const hit = scan(context)
    if (hit !== null) return { values: {}, dropped: `pii.${hit.detector}` }
    if (rulebook.events[name] === undefined) return { values: {}, dropped: 'event.unknown' }
    const values: Record<string, string> = {}
    for (const dimension of dimensions) {
      const value = dimension.value(context)
      if (value === DROP_EVENT) return { values: {}, dropped: 'rule_failed' }
      values[dimension.name] = value
    }
    return { values, dropped: null }
  }
}
