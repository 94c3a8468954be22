/** What is put to the test: a rulebook under an engine, either of which may be a mutant. Keys are throwaways. */
import { createHash } from 'node:crypto'
import type * as anonymizer from '@tacit/anonymizer'
import type { Beacon, BeaconEvent, Reason, Stream, TokenClaims } from '@tacit/contracts'
import { createPseudonymizer, type Pseudonymizer } from '@tacit/keyring'
import { type Rulebook, recordColumns, streamPlans } from '@tacit/rulebook'

export type Engine = typeof anonymizer

/** 2026-12-02T10:47:00Z, ms: no whole hour, so that coarse times differ from fine ones */
export const NOW = Date.UTC(2026, 11, 2, 10, 47)
export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
export const CLAIMS: TokenClaims = {
  tenant: 't-001',
  standing: 'established',
  sub: 'person-1',
  role: 'accounts',
  cohort: '2026-03',
  adult: true,
  region: 'in',
  consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-12-01T09:00:00Z' },
}

/** A beacon of one event from the ERP, as it is in every respect that is not stated. */
export interface Sent {
  readonly event?: Partial<BeaconEvent>
  readonly claims?: Partial<TokenClaims>
  readonly beacon?: Partial<Beacon>
  readonly request?: Partial<anonymizer.AnonymizerInput>
  /** receipt, ms */
  readonly at?: number
}

/** What one event came to. */
export interface Fate {
  /** `accepted`, or why it was dropped */
  readonly reason: Reason | 'accepted'
  readonly rows: readonly { readonly stream: Stream; readonly record: Readonly<Record<string, unknown>> }[]
}

export interface Subject {
  readonly rulebook: Rulebook
  send(sent: Sent): Fate
  /** single fields, as the examples of a rulebook are run */
  fields(fields: Readonly<Record<string, unknown>>): anonymizer.FieldOutcome
  /** the networks whose country was asked for so far */
  readonly networks: readonly string[]
}

function throwawayKeys(): anonymizer.PeekKey {
  const keys = new Map<string, Pseudonymizer>()
  return (stream, epoch, scope) => {
    const name = JSON.stringify([stream, epoch, scope])
    const key = keys.get(name) ?? createPseudonymizer(createHash('sha256').update(name).digest())
    keys.set(name, key)
    return key
  }
}

function inputOf(engine: Engine, sent: Sent): anonymizer.AnonymizerInput {
  const event: BeaconEvent = { id: 'id-1', name: 'page_view', age: 0, path: '/dashboard', ...sent.event }
  return {
    source: 'beacon',
    beacon: { v: 1, site: 'erp', events: [event], ...sent.beacon },
    address: engine.parseAddress('49.36.1.77'),
    userAgent: CHROME,
    origin: 'https://erp.example.in',
    gpc: false,
    dnt: false,
    token: { state: 'valid', claims: { ...CLAIMS, ...sent.claims } },
    person: {},
    allowance: 100,
    ...sent.request,
  }
}

/** Compiles a rulebook with an engine. @throws whatever a broken one throws */
export function createSubject(rulebook: Rulebook, engine: Engine): Subject {
  const clock = { now: () => NOW }
  const networks: string[] = []
  const countries = (network: string): string => {
    networks.push(network)
    return 'IN'
  }
  const agents = engine.createUserAgentReader({ maxEntries: 100, maxAgeMs: 1_000, clock })
  const compiled = engine.compileAnonymizer(rulebook, { agents, clock, countries })
  const trial = engine.compileFieldTrial(rulebook, { clock, countries })
  const columns = new Map(
    streamPlans(rulebook).map(({ dimensions, stream }) => [
      stream,
      [...recordColumns(stream).map(({ name }) => name), ...dimensions],
    ]),
  )
  const keys = throwawayKeys()
  return {
    rulebook,
    networks,
    fields: trial,
    send(sent) {
      const rows: Fate['rows'][number][] = []
      const reasons: Fate['reason'][] = []
      compiled.process(inputOf(engine, sent), sent.at ?? NOW, keys, {
        row(stream, _epoch, tail) {
          const values = JSON.parse(`[${tail}`) as unknown[]
          const names = columns.get(stream) ?? []
          if (values.length !== names.length) throw new Error('a row has other columns than its plan')
          rows.push({ stream, record: Object.fromEntries(names.map((name, at) => [name, values[at]])) })
        },
        accepted: () => reasons.push('accepted'),
        dropped: (_hour, reason) => reasons.push(reason),
        removedProps: () => undefined,
        detected: () => undefined,
      })
      const [reason] = reasons
      if (reason === undefined || reasons.length !== 1) throw new Error('an event has not exactly one fate')
      return { reason, rows }
    },
  }
}
