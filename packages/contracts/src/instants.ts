/** Moments as texts say them: RFC 3339, strictly. `Date.parse` alone takes `5` for a year and the 30th of February for the 2nd of March. */

/** RFC 3339, 5.6 `date-time`, with capital `T` and `Z`; a leap second is none that Unix time could hold. */
const SHAPE =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
/** Every month has as many days. */
const SURE_DAYS = 28

/**
 * The moment of an RFC 3339 date-time with its offset, such as `2026-12-02T15:30:00+05:30`.
 * @returns milliseconds since the Unix epoch, or NaN where the text is no such moment or its day is in no calendar
 */
export function parseInstant(text: string): number {
  const match = SHAPE.exec(text)
  if (match === null) return Number.NaN
  const day = Number(match[3])
  if (day > SURE_DAYS && day > daysOf(Number(match[1]), Number(match[2]))) return Number.NaN
  return Date.parse(text)
}

/** @param month from 1 */
function daysOf(year: number, month: number): number {
  // Day 0 of the next month; `Date.UTC` would take a year before 100 for one of the 20th century.
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return last.getUTCDate()
}
