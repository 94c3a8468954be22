/**
 * The oracle of every crash: each 204 is an obligation. What was answered is in the stores once, what was not is there
 * once or not at all, and whole; the ledger is the sum of exactly that; nothing is there that was not sent.
 */
import type { SentBeacon } from './beacons.js'
import { type LedgerRow, rfc3339, type StoredRow } from './stores.js'

const HOUR = 3_600_000
/** Findings of one kind, at most: the rest says the same. */
const SHOWN = 5

/** What is wrong; empty where every obligation is met. */
export type Findings = readonly string[]

interface Fate {
  readonly beacon: SentBeacon
  /** `possible`: not answered, and without an event that could be found */
  readonly taken: 'yes' | 'no' | 'possible'
}

function limited(kind: string, found: readonly string[]): string[] {
  const shown = found.slice(0, SHOWN).map((text) => `${kind}: ${text}`)
  return found.length > SHOWN ? [...shown, `${kind}: ${found.length - SHOWN} more`] : shown
}

function countOf(rows: readonly StoredRow[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { marker } of rows) counts.set(marker, (counts.get(marker) ?? 0) + 1)
  return counts
}

/** What became of a beacon, as far as the stores tell. */
function fateOf(beacon: SentBeacon, counts: ReadonlyMap<string, number>): Fate {
  if (beacon.status !== 204) return { beacon, taken: 'no' }
  if (beacon.acknowledged) return { beacon, taken: 'yes' }
  const good = beacon.events.filter(({ reason }) => reason === null)
  if (good.length === 0) return { beacon, taken: 'possible' }
  return { beacon, taken: good.some(({ marker }) => counts.has(marker)) ? 'yes' : 'no' }
}

/** Rows against what was sent. @param rows landing and staging together, at rest */
export function judgeRows(sent: readonly SentBeacon[], rows: readonly StoredRow[]): Findings {
  const counts = countOf(rows)
  const lost: string[] = []
  const torn: string[] = []
  const allowed = new Map<string, SentBeacon>()
  for (const beacon of sent) {
    const good = beacon.status === 204 ? beacon.events.filter(({ reason }) => reason === null) : []
    for (const { marker } of good) allowed.set(marker, beacon)
    const found = good.filter(({ marker }) => counts.has(marker)).length
    if (found === good.length) continue
    if (beacon.acknowledged)
      lost.push(`${good.length - found} of ${good.length} events of a beacon that had its 204`)
    else if (found > 0) torn.push(`${found} of ${good.length} events of a beacon without an answer`)
  }
  const invented = rows.filter(({ marker }) => !allowed.has(marker)).map(({ marker }) => marker)
  const twice = [...counts]
    .filter(([, count]) => count > 1)
    .map(([marker, count]) => `${marker} ${count} times`)
  const misplaced = rows
    .filter((row) => !fits(row, allowed.get(row.marker)))
    .map(({ hour, marker }) => `${marker} at ${hour}`)
  return [
    ...limited('lost', lost),
    ...limited('torn apart', torn),
    ...limited('invented', invented),
    ...limited('more than once', twice),
    ...limited('site or hour is wrong', misplaced),
  ]
}

function fits(row: StoredRow, beacon: SentBeacon | undefined): boolean {
  if (beacon === undefined) return true
  const event = beacon.events.find(({ marker }) => marker === row.marker)
  return event !== undefined && row.site === beacon.site && hoursOf(beacon, event.age).includes(row.hour)
}

/** The hour of an event: two where the collector may have taken it before or after the hour's end. */
function hoursOf(beacon: SentBeacon, age: number): string[] {
  const first = Math.floor((beacon.sentAt - age) / HOUR)
  const last = Math.floor((beacon.until - age) / HOUR)
  return Array.from({ length: last - first + 1 }, (_, at) => rfc3339((first + at) * HOUR))
}

/** One person, one pseudonym a day: a second root of the epoch would give a second one. */
export function judgePseudonyms(sent: readonly SentBeacon[], rows: readonly StoredRow[]): Findings {
  const people = new Map(
    sent.flatMap(({ events, person }) => events.map(({ marker }) => [marker, person] as const)),
  )
  const pseudonyms = new Map<string, Set<string>>()
  for (const { marker, person } of rows) {
    const key = `${people.get(marker)} on ${person.slice(0, 10)}`
    pseudonyms.set(key, (pseudonyms.get(key) ?? new Set<string>()).add(person))
  }
  const many = [...pseudonyms]
    .filter(([, found]) => found.size > 1)
    .map(([key, found]) => `${key}: ${found.size}`)
  return limited('more than one pseudonym of a person', many)
}

/** Sums by hour and by what became of the event: at least, and at most. */
class Bounds {
  readonly #sums = new Map<string, { least: number; most: number }>()

  add(hour: string, what: string, least: number): void {
    const key = `${hour} ${what}`
    const sum = this.#sums.get(key) ?? { least: 0, most: 0 }
    sum.least += least
    sum.most += 1
    this.#sums.set(key, sum)
  }

  of(key: string): { least: number; most: number } {
    return this.#sums.get(key) ?? { least: 0, most: 0 }
  }

  get keys(): string[] {
    return [...this.#sums.keys()]
  }
}

/**
 * The ledger against what was sent and found. Accepted events and those dropped beside one are told exactly; of a
 * beacon that was dropped whole and had no answer, nobody can tell whether it was taken.
 */
export function judgeLedger(
  sent: readonly SentBeacon[],
  rows: readonly StoredRow[],
  ledger: readonly LedgerRow[],
): Findings {
  const counts = countOf(rows)
  const bounds = new Bounds()
  for (const { hour } of rows) bounds.add(hour, 'accepted', 1)
  for (const { beacon, taken } of sent.map((each) => fateOf(each, counts))) {
    if (taken === 'no') continue
    for (const { age, reason } of beacon.events) {
      const hours = hoursOf(beacon, age)
      if (reason === null) continue
      for (const hour of hours) bounds.add(hour, reason, taken === 'yes' && hours.length === 1 ? 1 : 0)
    }
  }
  const found = new Map<string, number>()
  const unequal: string[] = []
  for (const { accepted, dropped, hour, received } of ledger) {
    found.set(`${hour} accepted`, accepted)
    for (const [reason, count] of Object.entries(dropped)) found.set(`${hour} ${reason}`, count)
    const sum = Object.values(dropped).reduce((total, count) => total + count, accepted)
    if (sum !== received) unequal.push(`${hour}: received ${received}, accepted and dropped ${sum}`)
  }
  const outside = [...new Set([...found.keys(), ...bounds.keys])].flatMap((key) => {
    const { least, most } = bounds.of(key)
    const count = found.get(key) ?? 0
    return count < least || count > most ? [`${key}: ${count}, not ${least} to ${most}`] : []
  })
  return [...limited('ledger does not add up', unequal), ...limited('ledger', outside)]
}

/** All three. */
export function judge(
  sent: readonly SentBeacon[],
  rows: readonly StoredRow[],
  ledger: readonly LedgerRow[],
): Findings {
  return [...judgeRows(sent, rows), ...judgePseudonyms(sent, rows), ...judgeLedger(sent, rows, ledger)]
}
