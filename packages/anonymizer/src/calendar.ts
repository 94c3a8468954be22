/** Calendar months, UTC. */

/** `time` moved back by whole calendar months; the 31st falls back to a shorter month's last day. */
export function monthsBefore(time: number, months: number): number {
  const at = new Date(time)
  const day = at.getUTCDate()
  at.setUTCDate(1)
  at.setUTCMonth(at.getUTCMonth() - months)
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
  at.setUTCDate(Math.min(day, lastDay))
  return at.getTime()
}
