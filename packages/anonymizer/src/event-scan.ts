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
/** Characters of the texts of one event that are remembered together: of the longest, 20,000 would be 160 MB. */
const MAX_CACHED_SPLIT = 512
/** Whole numbers from here on have the ten digits of a phone number. */
const LONG_NUMBER = 1_000_000_000
/** The name under which props without a rule are counted: their own could be anything. */
const UNNAMED = 'props'

const NOTHING: EventScan = Object.assign(() => null, { expire: () => undefined, clear: () => undefined })

const NO_VALUES: ReadonlySet<string> = new Set()

/** The texts that each field's rule lists; an empty set for a field that lists none. */
function listedValues({ fields }: Rulebook): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    Object.entries(fields).map(([field, rule]) => {
      const values =
        rule.do === 'allow' ? (rule.values ?? []).filter((value) => typeof value === 'string') : []
      return [field, values.length === 0 ? NO_VALUES : new Set(values)]
    }),
  )
}

/** What of a prop is scanned: texts, and numbers as long as a phone number. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Math.abs(value) >= LONG_NUMBER ? String(value) : null
}

/** Compiles the scan of a rulebook; one that declares none finds nothing. */
export function compileEventScan(rulebook: Rulebook, clock: Clock): EventScan {
  if (rulebook.scan === null) return NOTHING
  const scanner = createScanner(rulebook.scan.detectors)
  const cache = new GenerationCache<Detector | false>({
    maxEntries: CACHE_ENTRIES,
    maxAgeMs: MAX_RAW_AGE_MS,
    clock,
  })
  const { events } = rulebook
  const listed = listedValues(rulebook)

  function remembered(text: string, read: (text: string) => Detector | null): Detector | null {
    let found = cache.get(text)
    if (found === undefined) {
      found = read(text) ?? false
      cache.set(text, found)
    }
    return found === false ? null : found
  }

  const scan = (text: string): Detector | null =>
    text.length < MIN_CACHED ? scanner.scan(text) : remembered(text, (one) => scanner.scan(one))

  function scanText(field: string, text: string | undefined): Detection | null {
    if (text === undefined || listed.get(field)?.has(text) === true) return null
    const detector = scan(text)
    return detector === null ? null : { detector, field }
  }

  /** Several texts: each pair of them is remembered together, if they are not so long that reading them costs less. */
  function scanSplit(texts: readonly string[]): Detection | null {
    const all = `\n${texts.join('\n')}`
    const detector =
      all.length > MAX_CACHED_SPLIT
        ? scanner.scanSplit(texts)
        : remembered(all, () => scanner.scanSplit(texts))
    return detector === null ? null : { detector, field: UNNAMED }
  }

  function scanProps(props: NonNullable<BeaconEvent['props']>): Detection | null {
    let texts: string[] | null = null
    for (const name in props) {
      const values = listed.get(name)
      const key = values === undefined ? scan(name) : null
      if (key !== null) return { detector: key, field: UNNAMED }
      const value = props[name]
      const text = textOf(value)
      // What the rulebook lists cannot be personal, nor a part of it.
      if (text === null || values?.has(text) === true) continue
      const detector = scan(text)
      if (detector !== null) return { detector, field: values === undefined ? UNNAMED : name }
      if (texts === null) texts = [text]
      else texts.push(text)
    }
    return texts === null || texts.length < 2 ? null : scanSplit(texts)
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
