/** What a crash test runs on: a rulebook with both kinds of site, the ERP's key and tokens, and repeatable chance. */
import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DAY = 86_400_000

export const NETWORK_SITE = 'website'
export const SIGNED_SITE = 'erp'

/**
 * `words: any` keeps a segment of letters as it is, so that each event can be found again by its path. Nobody's cell is
 * published but `(other)`, which then counts every event.
 */
const rulebookText = (effective: string, expires: string, spool: string): string => `rulebook: crash-test
version: 2026.1.1
policy: { version: "2026-01-01", clauses: ["2b"] }
effective: ${effective}
expires: ${expires}
default: drop
purpose:
  id: crash-test
  consent: analytics
  max_consent_age: 13 months
  refuse_when: [gpc, dnt, objected, tenant_opted_out, account_closed, not_adult, wrong_region]
sites:
  ${NETWORK_SITE}: { origins: ["https://www.example.in"], identity: network, lawful_basis: exempt-measurement, region: in }
  ${SIGNED_SITE}: { origins: ["https://erp.example.in"], identity: signed, lawful_basis: consent, region: in }
epochs: { streams: [day], lateness: 1h, destroy_key_after: 48h, timezone: UTC }
fields:
  user_id: { do: pseudonym, scope: [tenant, purpose, epoch] }
  tenant_id: { do: pseudonym, scope: [purpose, epoch] }
  client_ip: { do: truncate, ipv4: 16, ipv6: 32 }
  timestamp: { do: coarsen, to: 1h }
  event_name: { do: allow, catalogue: events.yaml, otherwise: drop_event }
  path: { do: template, generic: { words: any } }
  user_agent: { do: generalise, to: [browser, os, device] }
statistics:
  pages:
    site: ${NETWORK_SITE}
    title: Pages
    window: day
    where: { kind: page_view }
    by: [path]
    measures: [users, events]
    people: exact
  screens:
    site: ${SIGNED_SITE}
    title: Screens
    window: day
    where: { kind: page_view }
    by: [path]
    measures: [users, events]
    people: exact
  now_pages: { site: ${NETWORK_SITE}, title: Right now, window: 5m, measures: [users] }
  now_screens: { site: ${SIGNED_SITE}, title: Right now, window: 5m, measures: [users] }
release:
  min_users: 10
  min_tenants: 3
  min_networks: 5
  max_share: 50%
  max_person_share: 75%
  max_events_per_person: 10000 per kind and day
keep: { log: 24h, staging: epoch + 48h, released: 25 months, audit: 400 days, spool: ${spool} }
bots: count
assets: count
region: in
`

export interface Setting {
  readonly rulebook: string
  /** environment of `tacit up` */
  readonly env: NodeJS.ProcessEnv
  /** ms: what the processes under test take for the time now */
  now(): number
  /** A token that the ERP signed just now (HS256). */
  token(tenant: string, subject: string): string
}

export interface SettingOptions {
  /** how much may wait for brokers on a collector; default 1 GiB */
  readonly spool?: string
  /** ms: the clock of the processes under test */
  readonly now?: () => number
}

/** Writes rulebook, catalogue and token keys into a folder. */
export function createSetting(
  dir: string,
  { now = () => Date.now(), spool = '1 GiB' }: SettingOptions = {},
): Setting {
  mkdirSync(dir, { recursive: true })
  const rulebook = join(dir, 'rulebook.yaml')
  writeFileSync(rulebook, rulebookText(utcDay(now(), -2), utcDay(now(), 300), spool))
  writeFileSync(join(dir, 'events.yaml'), 'events:\n  page_view: { kind: page_view }\n')
  const secret = randomBytes(32)
  const keys = join(dir, 'keys.json')
  writeFileSync(
    keys,
    JSON.stringify({ keys: [{ kty: 'oct', kid: 'crash', k: secret.toString('base64url') }] }),
  )
  return {
    rulebook,
    env: {
      TACIT_TOKEN_KEYS_FILE: keys,
      TACIT_TRUSTED_PROXIES: '127.0.0.0/8',
      TACIT_RATE_PER_TOKEN: '999999999',
    },
    now,
    token: (tenant, subject) => sign(secret, claimsOf(now(), tenant, subject)),
  }
}

/** The UTC date so many days after a time (ms). */
function utcDay(time: number, days: number): string {
  return new Date(time + days * DAY).toISOString().slice(0, 10)
}

function claimsOf(now: number, tenant: string, sub: string): object {
  const iat = Math.floor(now / 1000)
  const at = new Date(iat * 1000 - DAY).toISOString()
  return {
    aud: 'tacit',
    iat,
    exp: iat + 600,
    tenant,
    sub,
    standing: 'established',
    adult: true,
    region: 'in',
    consent: { analytics: 'granted', policy: '2026-01-01', at },
  }
}

/** A compact JWS: RFC 7515, section 3.1. */
function sign(secret: Buffer, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT', kid: 'crash' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** Chance that repeats with its seed. */
export interface Chance {
  /** from 0 up to but without 1 */
  next(): number
  /** a whole number from 0 up to but without `bound` */
  below(bound: number): number
  between(from: number, to: number): number
}

/** Mulberry32, a small generator of 32 bits of state; good enough to choose moments. @param seed of {@link seedOf} */
export function seededChance(seed: number): Chance {
  // A seed has up to 53 bits: those beyond 32 are folded in.
  let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    between: (from, to) => from + next() * (to - from),
  }
}

/** A seed as it is printed: a whole number from 0 to 2^53 - 1. @returns null for anything else */
export function seedOf(text: string): number | null {
  const seed = Number(text)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(seed) ? seed : null
}

/** `TACIT_TEST_SEED`, or one of the clock; print it, so that a failure can be played again. @throws Error for no seed */
export function testSeed(): number {
  const given = process.env['TACIT_TEST_SEED']
  if (given === undefined) return Date.now() % 2 ** 31
  const seed = seedOf(given)
  if (seed === null) throw new Error('TACIT_TEST_SEED is a whole number from 0 to 2^53 - 1')
  return seed
}
