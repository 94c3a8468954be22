/** The small words of the language: durations, days, sizes, shares, caps. Each reader answers null for what it cannot read. */
import { HOUR, MINUTE } from '@tacit/contracts'

/** `15m` or `48h`, in milliseconds. */
export function readDuration(text: string): number | null {
  const match = /^(\d{1,5})([mh])$/.exec(text)
  if (match === null) return null
  return Number(match[1]) * (match[2] === 'h' ? HOUR : MINUTE)
}

/** `epoch + 48h`, in milliseconds after the epoch's end. */
export function readAfterEpoch(text: string): number | null {
  const match = /^epoch \+ (\S{2,6})$/.exec(text)
  return match?.[1] === undefined ? null : readDuration(match[1])
}

/** `13 months`, in calendar months. */
export function readMonths(text: string): number | null {
  const match = /^(\d{1,3}) months?$/.exec(text)
  return match === null ? null : Number(match[1])
}

/** `400 days`, in days. */
export function readDays(text: string): number | null {
  const match = /^(\d{1,5}) days?$/.exec(text)
  return match === null ? null : Number(match[1])
}

export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

/** `512 MiB` or `1 GiB`, in bytes. */
export function readSize(text: string): number | null {
  const match = /^(\d{1,5}) (MiB|GiB)$/.exec(text)
  return match === null ? null : Number(match[1]) * (match[2] === 'GiB' ? GIB : MIB)
}

/** A size as the language writes it: `1 GiB`, `1536 MiB`. @param bytes a whole number of MiB */
export function sizeText(bytes: number): string {
  return bytes % GIB === 0 ? `${bytes / GIB} GiB` : `${bytes / MIB} MiB`
}

/** `50%` or `12.5%`, as a share from 0 to 1. */
export function readShare(text: string): number | null {
  const match = /^(\d{1,3}(?:\.\d)?)%$/.exec(text)
  if (match === null) return null
  const share = Number(match[1]) / 100
  return share > 0 && share <= 1 ? share : null
}

/** `20 per kind and day`, as a number of rows. */
export function readCap(text: string): number | null {
  const match = /^(\d{1,7}) per kind and day$/.exec(text)
  return match === null ? null : Number(match[1])
}

/** A real calendar day `2026-11-01`, as milliseconds at its start in UTC. */
export function readDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const time = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text ? null : time
}

/** The same UTC day `months` later; a day that the month does not have becomes its last. */
export function addMonths(time: number, months: number): number {
  const at = new Date(time)
  const day = at.getUTCDate()
  const first = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1)
  const next = new Date(first)
  const last = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate()
  return first + (Math.min(day, last) - 1) * 24 * HOUR
}
