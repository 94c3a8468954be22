/** Beacons of which each event can be found again, and what must become of them. */
import type { Chance, Setting } from './setting.js'
import { NETWORK_SITE, SIGNED_SITE } from './setting.js'

const HOUR = 3_600_000
const DAY = 86_400_000
/** Few enough that each is seen before and after every crash. */
const PEOPLE = 30
const TENANTS = 5
const MAX_EVENTS = 5
const TOKEN_LIFE_MS = 5 * 60_000

export interface SentEvent {
  /** the path's only segment; unique */
  readonly marker: string
  readonly age: number
  /** null: accepted */
  readonly reason: string | null
}

export interface SentBeacon {
  readonly site: string
  /** who it stands for, so that one person can be seen to keep one pseudonym */
  readonly person: string
  readonly events: readonly SentEvent[]
  /** what the answer will be where there is one */
  readonly status: 204 | 400
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** ms, before it was sent; between this and `until` the collector took it, if it did */
  sentAt: number
  until: number
  acknowledged: boolean
}

/** Letters only, at least eight of them: a template keeps such a segment, and no two numbers give the same. */
function markerOf(number: number, length = 8): string {
  let text = 'x'.repeat(length - 8)
  for (let rest = number; text.length < length; rest = Math.floor(rest / 26)) {
    text = String.fromCharCode(0x61 + (rest % 26)) + text
  }
  return text
}

type Kind = 'good' | 'gpc' | 'refuses' | 'token' | 'site' | 'malformed'
/** Shares of a hundred, summed up. */
const KINDS: readonly (readonly [number, Kind])[] = [
  [5, 'gpc'],
  [9, 'refuses'],
  [13, 'token'],
  [16, 'site'],
  [19, 'malformed'],
  [100, 'good'],
]
/** A page of a site names it; a signed site's token speaks for itself. */
const ORIGINS = { [NETWORK_SITE]: 'https://www.example.in', [SIGNED_SITE]: 'https://erp.example.in' }
const REASONS: Readonly<Record<Kind, string | null>> = {
  good: null,
  gpc: 'signal.gpc',
  refuses: 'consent.denied',
  token: 'token.missing',
  site: 'unknown_site',
  malformed: null,
}

export interface BeaconSource {
  make(): SentBeacon
}

export interface BeaconOptions {
  /** events of a beacon, at most */
  readonly events?: number
  /** letters of an event's path */
  readonly letters?: number
  /** number of the first event, for who makes several sources of one run */
  readonly first?: number
  /** ms, at most; by default as far as the day of the moment goes: an event of yesterday might be late */
  readonly ages?: number
  /** false: none of a signed site, but some without its token */
  readonly signed?: boolean
}

export function createBeaconSource(
  setting: Setting,
  chance: Chance,
  { ages, events: most = MAX_EVENTS, first = 0, letters = 8, signed: maySign = true }: BeaconOptions = {},
): BeaconSource {
  let number = first
  const tokens = new Map<string, { text: string; until: number }>()

  function tokenOf(tenant: string, subject: string): string {
    const key = `${tenant} ${subject}`
    const known = tokens.get(key)
    if (known !== undefined && setting.now() < known.until) return known.text
    const text = setting.token(tenant, subject)
    tokens.set(key, { text, until: setting.now() + TOKEN_LIFE_MS })
    return text
  }

  function eventsOf(kind: Kind): SentEvent[] {
    const maxAge = ages ?? Math.min(2 * HOUR, setting.now() % DAY)
    const count = 1 + chance.below(most)
    return Array.from({ length: count }, (_, at) => ({
      marker: markerOf(number++, letters),
      age: chance.below(3) === 0 ? chance.below(maxAge + 1) : 0,
      // The first is good, so that what became of the others can be told from it.
      reason: kind === 'good' && at > 0 && chance.below(5) === 0 ? 'event.unknown' : REASONS[kind],
    }))
  }

  function make(): SentBeacon {
    const roll = chance.below(100)
    const kind = KINDS.find(([upTo]) => roll < upTo)?.[1] ?? 'good'
    const signed = kind === 'token' || (maySign && kind !== 'gpc' && chance.below(2) === 0)
    const site = kind === 'site' ? 'nowhere' : signed ? SIGNED_SITE : NETWORK_SITE
    const who = chance.below(PEOPLE)
    const events = eventsOf(kind)
    const withToken = site === SIGNED_SITE && kind !== 'token'
    const body = {
      v: 1,
      site,
      ...(withToken ? { token: tokenOf(`tenant-${who % TENANTS}`, `subject-${who}`) } : {}),
      consent: { analytics: kind === 'refuses' ? 'denied' : 'granted' },
      events: events.map(({ age, marker, reason }) => ({
        id: `id-${marker}`,
        name: reason === 'event.unknown' ? 'made.up' : 'page_view',
        // Negative ages are refused with the whole body.
        age: kind === 'malformed' ? -1 - age : age,
        path: `/${marker}`,
      })),
    }
    return {
      site,
      person: `${site} ${who}`,
      events,
      status: kind === 'malformed' ? 400 : 204,
      body: JSON.stringify(body),
      headers: {
        'content-type': chance.below(2) === 0 ? 'application/json' : 'text/plain',
        'x-forwarded-for': `198.51.${who}.7`,
        'user-agent': `Mozilla/5.0 (X11; Linux x86_64) Chrome/${100 + who}.0 Safari/537.36`,
        ...(withToken ? {} : { origin: ORIGINS[signed ? SIGNED_SITE : NETWORK_SITE] }),
        ...(kind === 'gpc' ? { 'sec-gpc': '1' } : {}),
      },
      sentAt: 0,
      until: 0,
      acknowledged: false,
    }
  }
  return { make }
}
