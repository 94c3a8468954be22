/** When an Indian office works: weekdays, hours, the month's due dates, and how far the sample month has come. */
import { DAY, HOUR, utcDay } from '@tacit/contracts'
import type { Module } from './catalogue.js'
import { type Random, Weighted } from './random.js'

/** India is 5:30 ahead of UTC all year. */
export const INDIA_OFFSET_MS = 5.5 * HOUR

/** Sunday first: Saturdays are half days, some people look in on Sundays. */
const WEEKDAYS = [0.1, 1.06, 1.04, 1, 1, 0.94, 0.42] as const

/**
 * Weights of the hours of an Indian day in which a visit starts. The first is 06:00 (00:30 UTC) and the last ends at
 * 22:00 (16:30 UTC), so that no visit crosses a UTC midnight.
 */
const HOURS = new Weighted<number>([
  [6, 0.4],
  [7, 1],
  [8, 2.5],
  [9, 8],
  [10, 13],
  [11, 13],
  [12, 10],
  [13, 5],
  [14, 8],
  [15, 11],
  [16, 11],
  [17, 9],
  [18, 6],
  [19, 2.5],
  [20, 1.3],
  [21, 0.7],
])

export interface SampleDay {
  /** its UTC midnight, ms */
  readonly start: number
  /** 0 on the first day of the sample, 1 on the last */
  readonly progress: number
  /** how busy the weekday is; 1 on an ordinary one */
  readonly busy: number
  /** this month and the one before, `YYYY-MM` */
  readonly months: readonly [string, string]
  /** how much modules draw today, for due dates */
  readonly season: Partial<Readonly<Record<Module, number>>>
  /** a release went wrong: many errors, slow pages */
  readonly incident: boolean
}

function seasonOf(dayOfMonth: number): SampleDay['season'] {
  // GSTR-1 is due on the 11th and GSTR-3B on the 20th of a month; salaries are paid around its turn.
  const filing = (dayOfMonth >= 8 && dayOfMonth <= 11) || (dayOfMonth >= 17 && dayOfMonth <= 20)
  return { gst: filing ? 4 : 0.9, payroll: dayOfMonth >= 27 || dayOfMonth <= 2 ? 6 : 0.8 }
}

function monthBefore(start: number): string {
  const date = new Date(start)
  return utcDay(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1)).slice(0, 7)
}

const busyOf = (start: number) => WEEKDAYS[new Date(start).getUTCDay()] ?? 1

/** The days of a sample that ends at `end` (UTC midnight, exclusive). */
export function sampleDays(days: number, end: number): SampleDay[] {
  const first = end - days * DAY
  const starts = Array.from({ length: days }, (_, index) => first + index * DAY)
  // The first working day after three fifths of the sample; a week is too short for one to stand out.
  const incident =
    days < 10 ? -1 : starts.findIndex((start, index) => index >= days * 0.6 && busyOf(start) >= 0.9)
  return starts.map((start, index) => ({
    start,
    progress: days === 1 ? 0 : index / (days - 1),
    busy: busyOf(start),
    months: [utcDay(start).slice(0, 7), monthBefore(start)],
    season: seasonOf(new Date(start).getUTCDate()),
    incident: index === incident,
  }))
}

/** When a visit starts, ms. */
export function visitTime(day: SampleDay, random: Random): number {
  return day.start - INDIA_OFFSET_MS + HOURS.draw(random) * HOUR + random.below(HOUR)
}

/** Whether somebody sits in the office: 09:00 to 19:00 in India. */
export function isOfficeTime(day: SampleDay, time: number): boolean {
  const hour = (time - day.start + INDIA_OFFSET_MS) / HOUR
  return hour >= 9 && hour < 19
}
