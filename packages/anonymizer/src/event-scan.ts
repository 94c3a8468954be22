/**
 * Scanning an event: every text of it goes past the detectors, values and keys, path segments and event names, whether
 * a rule names the field or not (privacy.md 2.8). What the rulebook itself lists cannot be personal and is not scanned.
 */
import type { BeaconEvent, Clock } from '@tacit/contracts'
import type { Detector, Rulebook } from '@tacit/rulebook'
import type { EventContext } from './dimensions.js'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'
import { createScanner } from './scan/index.js'

/** What was found where; `field` is a name of the rulebook's, or `props` for what no rule names. */
export interface Detection {
  readonly detector: Detector
  readonly field: string
}

export interface EventScan {
  /** The first hit in an event, or null. */
  (context: EventContext): Detection | null
  expire(): void
  clear(): void
}

/** Texts that are remembered: raw ones, bounded, and gone after 15 minutes. */
const CACHE_ENTRIES = 20_000
/** A shorter text is scanned faster than it is looked up. */
const MIN_CACHED = 10
/** Whole numbers from here on have the ten digits of a phone number. */
const LONG_NUMBER = 1_000_000_000
/** The name under which props without a rule are counted: their own could be anything. */
const UNNAMED = 'props'

const NOTHING: EventScan = Object.assign(() => null, { expire: () => undefined, clear: () => undefined })

/** Compiles the scan of a rulebook; one that declares none finds nothing. */
export function compileEventScan(rulebook: Rulebook, clock: Clock): EventScan {
  if (rulebook.scan === null) return NOTHING
  const scanner = createScanner(rulebook.scan.detectors)
  const cache = new GenerationCache<Detector | false>({
    maxEntries: CACHE_ENTRIES,
    maxAgeMs: MAX_RAW_AGE_MS,
    clock,
  })
  const { events, fields } = rulebook

  function scan(text: string): Detector | null {
    if (text.length < MIN_CACHED) return scanner.scan(text)
    let found = cache.get(text)
    if (found === undefined) {
      found = scanner.scan(text) ?? false
      cache.set(text, found)
    }
    return found === false ? null : found
  }

  function scanText(field: string, text: string | undefined): Detection | null {
    const detector = text === undefined ? null : scan(text)
    return detector === null ? null : { detector, field }
  }

  function scanProps(props: NonNullable<BeaconEvent['props']>): Detection | null {
    let first: string | null = null
    let texts: string[] | null = null
    for (const name in props) {
      const named = fields[name] !== undefined
      const key = named ? null : scan(name)
      if (key !== null) return { detector: key, field: UNNAMED }
      const value = props[name]
      const text =
        typeof value === 'string'
          ? value
          : typeof value === 'number' && Math.abs(value) >= LONG_NUMBER
            ? String(value)
            : null
      if (text === null) continue
      const detector = scan(text)
      if (detector !== null) return { detector, field: named ? name : UNNAMED }
      if (first === null) first = text
      else if (texts === null) texts = [first, text]
      else texts.push(text)
    }
    const split = texts === null ? null : scanner.scanSplit(texts)
    return split === null ? null : { detector: split, field: UNNAMED }
  }

  const run = ({ beacon, claims, event }: EventContext): Detection | null => {
    if (event === null) return null
    return (
      (events[event.name] === undefined ? scanText('event_name', event.name) : null) ??
      scanText('path', event.path) ??
      scanText('from_path', event.from_path) ??
      scanText('role', claims?.role) ??
      scanText('cohort', claims?.cohort) ??
      scanText('language', beacon.client?.language) ??
      (event.props === undefined ? null : scanProps(event.props))
    )
  }
  return Object.assign(run, { expire: () => cache.expire(), clear: () => cache.clear() })
}
