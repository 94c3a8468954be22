/**
 * Streams and their epochs: how time is cut. Everything is UTC, weeks start on Monday.
 * An epoch label is `<stream>:<first UTC day>` with a month as `month:YYYY-MM`, e.g. `day:2026-08-05`.
 */
export const STREAMS = ['day', 'week', 'month'] as const
export type Stream = (typeof STREAMS)[number]

export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** One linkage window: `[start, end)` in milliseconds since the Unix epoch. */
export interface Epoch {
  readonly stream: Stream
  /** e.g. `day:2026-08-05`, `week:2026-08-03`, `month:2026-08` */
  readonly label: string
  readonly start: number
  readonly end: number
}

/** The UTC day of `time`, `YYYY-MM-DD`. */
export function utcDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** Start of the UTC hour that holds `time`, in milliseconds. */
export function hourOf(time: number): number {
  return time - (time % HOUR)
}

/** RFC 3339 with seconds, UTC: `2026-11-01T10:00:00Z`. */
export function rfc3339(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** The label of an hour of receipt (ms, a whole UTC hour): `hour:2026-08-05T10`. */
export function hourLabel(hour: number): string {
  return `hour:${new Date(hour).toISOString().slice(0, 13)}`
}

/** The epoch of `stream` that holds `time` (ms). */
export function epochOf(stream: Stream, time: number): Epoch {
  const day = time - (time % DAY)
  switch (stream) {
    case 'day':
      return { stream, label: `day:${utcDay(day)}`, start: day, end: day + DAY }
    case 'week': {
      // 1970-01-01 was a Thursday: three days after a Monday.
      const start = day - ((day / DAY + 3) % 7) * DAY
      return { stream, label: `week:${utcDay(start)}`, start, end: start + 7 * DAY }
    }
    case 'month': {
      const at = new Date(day)
      const start = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1)
      const end = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)
      return { stream, label: `month:${utcDay(start).slice(0, 7)}`, start, end }
    }
    default: {
      const never: never = stream
      throw new TypeError(`unknown stream ${String(never)}`)
    }
  }
}

/** The epoch that a label names. @throws TypeError where the label is not one. */
export function epochFromLabel(label: string): Epoch {
  const match = /^(day|week|month):(\d{4}-\d{2}(?:-\d{2})?)$/.exec(label)
  const stream = match?.[1] as Stream | undefined
  const text = match?.[2]
  if (stream === undefined || text === undefined) throw new TypeError('not an epoch label')
  const time = Date.parse(text.length === 7 ? `${text}-01` : text)
  if (Number.isNaN(time)) throw new TypeError('not an epoch label')
  const epoch = epochOf(stream, time)
  if (epoch.label !== label) throw new TypeError('not an epoch label')
  return epoch
}
