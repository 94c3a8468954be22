/** For tests: an anonymiser with throwaway keys, and what it says of one beacon. */
import { createHash } from 'node:crypto'
import {
  type Beacon,
  DrivenClock,
  type Reason,
  rfc3339,
  type Stream,
  type TokenClaims,
} from '@tacit/contracts'
import { createPseudonymizer, type KeyScope, type Pseudonymizer } from '@tacit/keyring'
import { type Rulebook, recordColumns, streamPlans } from '@tacit/rulebook'
import { type Anonymizer, type AnonymizerInput, type CompileOptions, compileAnonymizer } from '../compile.js'
import type { KeyNeed, PeekKey } from '../identity.js'
import { parseAddress } from '../ip.js'
import { createUserAgentReader } from '../user-agent.js'

/** 2026-12-02T10:30:00Z, ms */
export const NOW = Date.UTC(2026, 11, 2, 10, 30)
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

type Event = Beacon['events'][number]

export function pageView(event: Partial<Event> = {}): Event {
  return { id: 'id-1', name: 'page_view', age: 0, path: '/dashboard', ...event }
}

/** What one beacon came to. */
export interface Outcome {
  /** stream, epoch label and record of each row, by column name */
  readonly rows: readonly {
    readonly stream: Stream
    readonly epoch: string
    readonly record: Readonly<Record<string, unknown>>
  }[]
  /** the tails as they were handed over */
  readonly tails: readonly string[]
  /** `hour reason` of each event, `accepted` for those that were */
  readonly fates: readonly string[]
  readonly removedProps: number
  /** `detector field` of each event that a detector dropped */
  readonly detected: readonly string[]
  readonly needs: readonly KeyNeed[] | null
}

export interface Trial {
  readonly anonymizer: Anonymizer
  readonly clock: DrivenClock
  run(events: readonly Event[], more?: Partial<AnonymizerInput>, at?: number, peek?: PeekKey): Outcome
}

/** The key of a (stream, epoch, scope): the same each time, and told by no other. */
export function testKey(epoch: string, scope: KeyScope): Pseudonymizer {
  return createPseudonymizer(
    createHash('sha256')
      .update(JSON.stringify([epoch, scope]))
      .digest(),
  )
}

export function testKeys(): PeekKey {
  const keys = new Map<string, Pseudonymizer>()
  return (_stream, epoch, scope) => {
    const name = JSON.stringify([epoch, scope])
    const key = keys.get(name) ?? testKey(epoch, scope)
    keys.set(name, key)
    return key
  }
}

/** @param compiling what compiling needs beside the agents and the clock */
export function createTrial(rulebook: Rulebook, compiling: Partial<CompileOptions> = {}): Trial {
  const clock = new DrivenClock(NOW)
  const agents = createUserAgentReader({ maxEntries: 1_000, maxAgeMs: 60_000, clock })
  const anonymizer = compileAnonymizer(rulebook, { agents, clock, ...compiling })
  const site = Object.values(rulebook.sites)[0]
  const columns = new Map(
    (compiling.plans ?? streamPlans(rulebook)).map(({ dimensions, stream }) => [
      stream,
      [...recordColumns(stream).map(({ name }) => name), ...dimensions],
    ]),
  )
  const keys = testKeys()
  return {
    anonymizer,
    clock,
    run(events, more = {}, at = NOW, peek = keys) {
      const rows: Outcome['rows'][number][] = []
      const tails: string[] = []
      const fates: string[] = []
      const detected: string[] = []
      let removedProps = 0
      const input: AnonymizerInput = {
        source: 'beacon',
        beacon: { v: 1, site: site?.id ?? '', events: [...events] },
        address: parseAddress('203.0.113.77'),
        userAgent: CHROME,
        origin: site?.origins[0] ?? null,
        gpc: false,
        dnt: false,
        token: site?.identity === 'signed' ? { state: 'valid', claims: CLAIMS } : { state: 'missing' },
        person: {},
        allowance: events.length,
        ...more,
      }
      const needs = anonymizer.process(input, at, peek, {
        row(stream, epoch, tail) {
          tails.push(tail)
          const names = columns.get(stream) ?? []
          const values = JSON.parse(`[${tail}`) as unknown[]
          if (values.length !== names.length) throw new Error('a row has other columns than the plan')
          rows.push({ stream, epoch, record: Object.fromEntries(names.map((name, i) => [name, values[i]])) })
        },
        accepted: (hour) => fates.push(`${rfc3339(hour)} accepted`),
        dropped: (hour, reason: Reason) => fates.push(`${rfc3339(hour)} ${reason}`),
        removedProps: (count) => {
          removedProps += count
        },
        detected: (detector, field) => detected.push(`${detector} ${field}`),
      })
      return { rows, tails, fates, removedProps, detected, needs }
    },
  }
}
