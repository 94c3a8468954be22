/** Lines become items: of an access log, or NDJSON beacons; the format is told by the first lines. Nothing is quoted. */
import {
  type AccessLine,
  type BeaconLine,
  detectFormat,
  type LogFormat,
  parseBeaconLine,
  parseCombined,
} from '@tacit/access-log'
import { type Beacon, LIMITS, parseBeaconText, parseBeaconValue } from '@tacit/contracts'

export type ImportFormat = LogFormat

export type LogItem = (AccessLine & { readonly from: 'line' }) | (BeaconLine & { readonly from: 'beacon' })

/** Null stands for a line that does not parse. */
export interface ItemReader {
  /** The items that this line completes: none while the format is still being told. */
  push(line: string): readonly (LogItem | null)[]
  /** What still waits at the end of the file. */
  flush(): readonly (LogItem | null)[]
}

const SNIFFED_LINES = 20

/** Reads the lines of one file. @param given the format, or null to tell it from the first lines */
export function createItemReader(given: ImportFormat | null): ItemReader {
  const sniffed: string[] = []
  let format = given

  function tell(): readonly (LogItem | null)[] {
    const told = detectFormat(sniffed)
    format = told
    return sniffed.splice(0).map((line) => parseItem(line, told))
  }

  return {
    push(line) {
      if (format !== null) return [parseItem(line, format)]
      sniffed.push(line)
      return sniffed.length < SNIFFED_LINES ? [] : tell()
    },
    flush: () => (sniffed.length === 0 ? [] : tell()),
  }
}

function parseItem(line: string, format: ImportFormat): LogItem | null {
  if (format === 'beacons') {
    const beacon = parseBeaconLine(line)
    return beacon === null ? null : { ...beacon, from: 'beacon' }
  }
  const access = parseCombined(line)
  return access === null ? null : { ...access, from: 'line' }
}

/** The beacon that a line carries; null where its body is none. */
export function bodyOf(line: BeaconLine): Beacon | null {
  if (typeof line.body === 'string' && Buffer.byteLength(line.body) > LIMITS.bodyBytes) return null
  const beacon = typeof line.body === 'string' ? parseBeaconText(line.body) : parseBeaconValue(line.body)
  return typeof beacon === 'string' ? null : beacon
}

/** Headers of which `node:http` keeps the first line alone; lines of any other it joins (message.headers). */
const FIRST_COUNTS: ReadonlySet<string> = new Set(['user-agent', 'content-type'])

/** A header of a raw header list as the collector reads it, or null where it is absent. @param name in lower case */
export function headerOf(rawHeaders: readonly string[], name: string): string | null {
  let found: string | null = null
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if ((rawHeaders[at] as string).toLowerCase() !== name) continue
    const value = rawHeaders[at + 1] as string
    if (FIRST_COUNTS.has(name)) return value
    found = found === null ? value : `${found}, ${value}`
  }
  return found
}
