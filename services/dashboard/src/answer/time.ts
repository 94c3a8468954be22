/** Windows in time: the one before, and a start as a time zone writes it. */
import { DAY, HOUR, TacitError } from '@tacit/contracts'

/** Start of the window before the one that starts at `start` (ms). */
export function previousStart(window: string, start: number): number {
  switch (window) {
    case 'hour':
      return start - HOUR
    case 'week':
      return start - 7 * DAY
    case 'month': {
      const at = new Date(start)
      return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 1, 1)
    }
    default:
      return start - DAY
  }
}

/** IANA names; what else the runtime takes (offsets such as `+05:30`) is no name of a zone. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/

/**
 * Writes times of a zone as RFC 3339 with its offset: `2026-11-01T05:30:00+05:30`. For display alone: windows are UTC.
 * @throws TacitError ERR_QUERY_MALFORMED where there is no such zone
 */
export function localTimes(zone: string): (time: number) => string {
  const format = formatOf(zone)
  return (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const { year, month, day, hour, minute, second, timeZoneName = '' } = parts
    const offset = timeZoneName.replace('GMT', '') || '+00:00'
    return `${String(year)}-${String(month)}-${String(day)}T${String(hour)}:${String(minute)}:${String(second)}${offset}`
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    if (ZONE_NAME.test(timeZone)) {
      return new Intl.DateTimeFormat('en-GB', {
        timeZone,
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        hourCycle: 'h23',
        timeZoneName: 'longOffset',
      })
    }
  } catch {
    // the runtime's own error quotes what was asked
  }
  throw new TacitError(
    'ERR_QUERY_MALFORMED',
    'Give timezone as an IANA name, e.g. Asia/Kolkata or Europe/Berlin',
  )
}
