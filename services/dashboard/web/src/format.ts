/** Numbers, days and the field's words for a reader. */
const integer = new Intl.NumberFormat('en-GB')
const dayFormat = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})

export const count = (value: number): string => integer.format(value)

/** A number of people: `≥ 120` where it is rounded down. */
export const people = (value: number, isFloored: boolean): string => `${isFloored ? '≥ ' : ''}${count(value)}`

/** Large numbers on an axis: 1,200 → 1.2k. */
export function short(value: number): string {
  if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toFixed(1)}M`
  if (Math.abs(value) >= 1e4) return `${+(value / 1e3).toFixed(1)}k`
  return count(value)
}

const timeFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' })

/** An RFC 3339 time as `Fri, 20 Nov 2026, 10:00 UTC`. */
export const momentName = (time: string): string =>
  `${dayName(time)}, ${timeFormat.format(new Date(time))} UTC`

const shortDayFormat = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})

/** The same without the day of the week and the zone, where a column says it: `20 Nov 2026, 10:00`. */
export const shortMoment = (time: string): string =>
  `${shortDayFormat.format(new Date(time))}, ${timeFormat.format(new Date(time))}`

/** Two UTC days as `1–3 Sept 2026`, and one as `1 Sept 2026`. */
export const dayRange = (from: string, to: string): string =>
  shortDayFormat.formatRange(new Date(from), new Date(to))

/** An RFC 3339 time or a UTC day as `Fri, 20 Nov 2026`. */
export const dayName = (time: string): string => dayFormat.format(new Date(time))

const monthFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' })

const columnDayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })
const columnMonthFormat = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  month: 'short',
  year: 'numeric',
})

/** The start of a window as the head of a column: `20 Nov`, or `Nov 2026` of months. */
export const columnName = (start: string, window: string): string =>
  (window === 'month' ? columnMonthFormat : columnDayFormat).format(new Date(start))

/** The start of a window as a reader calls the window. */
export function windowName(start: string, window: string): string {
  switch (window) {
    case 'hour':
    case '5m':
      return momentName(start)
    case 'week':
      return `Week of ${shortDayFormat.format(new Date(start))}`
    case 'month':
      return monthFormat.format(new Date(start))
    default:
      return dayName(start)
  }
}

const NAMES: Readonly<Record<string, string>> = {
  path: 'Page',
  from_path: 'From page',
  event_name: 'Feature',
  device: 'Device',
  os: 'System',
  browser: 'Browser',
  role: 'Role',
  app_version: 'App version',
  load_ms: 'Load time (ms)',
  time_spent_s: 'Time spent (s)',
  device_model: 'Device model',
  model_class: 'Device model',
  users: 'People',
  events: 'Events',
  visits: 'Visits',
  time_s: 'Time (s)',
  share: 'Share',
  conversion: 'Of the first step',
  rate: 'Per 100',
  week: 'Week',
  cohort: 'Joined',
  bucket: 'Bucket',
  step: 'Step',
  users_error: 'People ±',
  events_error: 'Events ±',
  previous_users: 'People before',
  previous_events: 'Events before',
  previous_visits: 'Visits before',
  previous_time_s: 'Time before (s)',
  country: 'Country',
  product: 'Product team',
  privacy: 'Privacy team',
  admin: 'Administrator',
  operator: 'Operator',
}

/** A dimension, measure or role in words. */
export function label(name: string): string {
  const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
  return known ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
}

const REASONS: Readonly<Record<string, string>> = {
  refused: 'Refused by a choice',
  bot: 'Bot',
  late: 'Too late',
  rate: 'Over the rate',
  rule_failed: 'A rule failed',
  key_missing: 'Key gone',
  expired: 'Expired',
  unknown_site: 'Unknown site',
  wrong_origin: 'Wrong origin',
  no_origin: 'No origin',
  'event.unknown': 'Unknown event',
  'token.missing': 'No token',
  'token.expired': 'Token expired',
  'token.forged': 'Token not genuine',
  'token.wrong_audience': 'Token for another',
  'token.replayed': 'Token replayed',
  'line.unparsable': 'Line not readable',
  'line.method': 'Other method',
  'line.status': 'Error status',
  'line.asset': 'Static file',
  'line.future': 'In the future',
}

/** A drop reason in words. */
export function reasonName(reason: string): string {
  return (Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined) ?? reason
}
