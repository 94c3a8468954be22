/** Events around a midnight: each in the epoch that holds its hour, and nobody with one pseudonym for two epochs. */
import type { SentBeacon } from './beacons.js'
import type { Findings } from './oracle.js'
import type { StoredRow } from './stores.js'

const SHOWN = 5

export interface Midnight {
  readonly findings: Findings
  /** people with events on both sides */
  readonly inBoth: number
  /** beacons with events on both sides: what they brought was in one batch */
  readonly torn: number
}

const epochOf = ({ person }: StoredRow): string => person.slice(0, 10)
const pseudonymOf = ({ person }: StoredRow): string => person.slice(11)

/** @param rows those of the day stream, whose `person` begins with the epoch's date @param midnight ms */
export function judgeMidnight(
  sent: readonly SentBeacon[],
  rows: readonly StoredRow[],
  midnight: number,
): Midnight {
  const byMarker = new Map(rows.map((row) => [row.marker, row]))
  const pseudonyms = new Map<string, Map<string, string>>()
  let torn = 0
  for (const { events, person } of sent) {
    const found = events.flatMap(({ marker }) => byMarker.get(marker) ?? [])
    if (new Set(found.map(epochOf)).size > 1) torn++
    const known = pseudonyms.get(person) ?? new Map<string, string>()
    for (const row of found) known.set(epochOf(row), pseudonymOf(row))
    pseudonyms.set(person, known)
  }
  const wrongEpoch = rows.filter((row) => epochOf(row) !== row.hour.slice(0, 10))
  const sides = new Set(rows.map(({ hour }) => Date.parse(hour) >= midnight))
  const both = [...pseudonyms.values()].filter((known) => known.size > 1)
  const linked = both.filter((known) => new Set(known.values()).size < known.size)
  return {
    findings: [
      ...wrongEpoch.slice(0, SHOWN).map((row) => `${row.marker} of ${row.hour} is in epoch ${epochOf(row)}`),
      ...(sides.size === 2 ? [] : ['there are no events of both days']),
      ...(linked.length === 0 ? [] : [`${String(linked.length)} people have one pseudonym on both days`]),
    ],
    inBoth: both.length,
    torn,
  }
}
