/**
 * Corpus C7: time. Every boundary at which an outcome turns, one step before, on and after it: the hour and the day, each
 * with its hour of grace, the age of an event, of a consent and of a token; and Indian days against UTC days. The moments lie
 * around a new year, where a day, a week's middle, a month and a year meet.
 */
import {
  claimsAt,
  type Expected,
  type ExpectedCase,
  goodBody,
  goodEvent,
  goodInput,
  type Random,
  seeded,
} from './parts.js'

const SECOND = 1_000
const HOUR = 3_600_000
const DAY = 86_400_000
const YEAR = 365.25 * DAY
const MIDNIGHT = Date.UTC(2027, 0, 1)
/** 18:30 UTC is midnight in India. */
const INDIAN_MIDNIGHT = MIDNIGHT - 5.5 * HOUR

/** Times of receipt: around the end of a day's grace, of the day itself, of an hour, and of an Indian day. */
const MOMENTS = [
  INDIAN_MIDNIGHT - 1,
  INDIAN_MIDNIGHT,
  MIDNIGHT - 1,
  MIDNIGHT,
  MIDNIGHT + HOUR - 1,
  MIDNIGHT + HOUR,
  MIDNIGHT + HOUR + 1,
]

export interface TimeCase extends ExpectedCase {
  /** of the record, where there is one: the UTC day, and the hours of the event and of receipt */
  readonly record: { readonly epoch: string; readonly hour: string; readonly received: string } | null
}

const ACCEPTED: Expected = { status: 204, reason: null }
const MALFORMED: Expected = { status: 400, code: 'ERR_BEACON_MALFORMED' }
const dropped = (reason: string): Expected => ({ status: 204, reason })
const iso = (time: number): string => new Date(time).toISOString()
const toTheHour = (time: number): string => `${iso(time).slice(0, 13)}:00:00Z`

/** RFC 3339 in Indian time: the same instant, five and a half hours further on the clock. */
const indian = (time: number): string => iso(time + 5.5 * HOUR).replace('Z', '+05:30')

/**
 * An event is late once its finest window has ended an hour ago: of a page view the UTC hour, because pages are counted
 * by the hour, of a feature the UTC day.
 */
const outcomeOfAge = (now: number, age: number, window: number): Expected => {
  if (age < 0 || age > DAY) return MALFORMED
  const start = Math.floor((now - age) / window) * window
  return start + window + HOUR <= now ? dropped('late') : ACCEPTED
}

interface Twist {
  readonly name: string
  /** of the event; a page view without it */
  readonly event?: string
  readonly age?: number
  readonly claims?: Readonly<Record<string, unknown>>
  readonly expected: Expected
}

function agesAt(now: number): Twist[] {
  const sinceMidnight = now - MIDNIGHT
  const sinceHour = now % HOUR
  const ages = [
    0,
    ...[-1, 0, 1].flatMap((step) => [sinceMidnight + step, sinceHour + step, sinceHour + HOUR + step]),
    ...[-1, 0, 1].map((step) => DAY + step),
    2 * DAY,
    3 * DAY,
    10 * YEAR,
    -10 * YEAR,
  ]
  const unique = [...new Set(ages)]
  const pages = unique.map((age) => ({
    name: `a page view ${String(age)} ms old`,
    age,
    expected: outcomeOfAge(now, age, HOUR),
  }))
  const features = unique.map((age) => ({
    name: `a feature ${String(age)} ms old`,
    event: 'invoice.save',
    age,
    expected: outcomeOfAge(now, age, DAY),
  }))
  return [...pages, ...features]
}

/** Thirteen calendar months before a moment at the turn of 2026 to 2027. */
function thirteenMonthsBefore(now: number): number {
  const at = new Date(now)
  // 30 November has no 31st: the last day of that month.
  const day = at.getUTCMonth() === 11 ? Math.min(at.getUTCDate(), 30) : at.getUTCDate()
  const month = at.getUTCMonth() - 1
  const midnight = Date.UTC(at.getUTCFullYear() - 1, month, day)
  return midnight + (now % DAY)
}

function consentsAt(now: number): Twist[] {
  const of = (name: string, at: string, expected: Expected): Twist => ({
    name: `a consent ${name}`,
    claims: { consent: { analytics: 'granted', policy: '2026-11-01', at } },
    expected,
  })
  const oldest = thirteenMonthsBefore(now)
  return [
    of('an hour ahead', iso(now + HOUR), ACCEPTED),
    of('an hour ahead, in Indian time', indian(now + HOUR), ACCEPTED),
    of('1 ms more ahead', iso(now + HOUR + 1), dropped('consent.future')),
    of('1 ms more ahead, in Indian time', indian(now + HOUR + 1), dropped('consent.future')),
    of('13 months old', iso(oldest), ACCEPTED),
    of('13 months and 1 ms old', iso(oldest - 1), dropped('consent.expired')),
    of('13 months and 1 ms old, in Indian time', indian(oldest - 1), dropped('consent.expired')),
    of('10 years old', iso(now - 10 * YEAR), dropped('consent.expired')),
    of('10 years ahead', iso(now + 10 * YEAR), dropped('consent.future')),
    of('without an offset', iso(now - DAY).replace('Z', ''), dropped('consent.malformed')),
    of(
      'on a day that no calendar has',
      `${new Date(now).getUTCFullYear()}-02-30T10:00:00Z`,
      dropped('consent.malformed'),
    ),
    of('on a day alone', iso(now - DAY).slice(0, 10), dropped('consent.malformed')),
    of('in another calendar', 'Thu, 31 Dec 2026 10:00:00 GMT', dropped('consent.malformed')),
  ]
}

function tokensAt(now: number): Twist[] {
  // Tokens count in whole seconds, and the clock that judges them may lie between two.
  const second = Math.floor(now / SECOND)
  const of = (name: string, iat: number, exp: number, expected: Expected): Twist => ({
    name: `a token ${name}`,
    claims: { iat: second + iat, exp: second + exp },
    expected,
  })
  return [
    of('in its last second of leeway', -600, -59, ACCEPTED),
    of('a minute past its end', -600, -60, dropped('token.expired')),
    of('fifteen minutes and less than a minute old', -959, -59, ACCEPTED),
    of('sixteen minutes old, whatever it says', -960, 600, dropped('token.expired')),
    of('for fifteen minutes', -600, 300, ACCEPTED),
    of('for fifteen minutes and a second', -600, 301, dropped('token.expired')),
    of('for a day, signed just now', 0, 86_400, dropped('token.expired')),
    of('that ends before it begins', 30, 20, dropped('token.forged')),
    of('issued a minute ahead', 60, 300, ACCEPTED),
    of('issued more than a minute ahead', 62, 300, dropped('token.forged')),
    of('ten years old', -315_360_000, -315_359_100, dropped('token.expired')),
    of('of ten years hence', 315_360_000, 315_360_300, dropped('token.forged')),
  ]
}

function makeCase(
  random: Random,
  now: number,
  { age = 0, claims = {}, event, expected, name }: Twist,
): TimeCase {
  const mark = random.mark()
  const time = now - age
  const isAccepted = expected.reason === null
  return {
    name: `${name}, at ${iso(now)}`,
    now: iso(now),
    input: goodInput(iso(now), {
      body: goodBody([goodEvent({ age, path: `/${mark}`, ...(event === undefined ? {} : { name: event }) })]),
      claims: claimsAt(iso(now), claims),
    }),
    raw: [mark],
    expected,
    record: isAccepted
      ? { epoch: iso(time).slice(0, 10), hour: toTheHour(time), received: toTheHour(now) }
      : null,
  }
}

/** @returns all cases at each moment, the same for the same seed; about 200 */
export function timeCases(seed: number): readonly TimeCase[] {
  const random = seeded(seed)
  return MOMENTS.flatMap((now) =>
    [...agesAt(now), ...consentsAt(now), ...tokensAt(now)].map((twist) => makeCase(random, now, twist)),
  )
}
