/**
 * Which rulebook rules, ruled and shall rule: read off the register. Pure.
 */
import type { RegisterEntry } from '@tacit/keeper'

/** A rulebook's time of ruling. */
export interface Reign {
  readonly hash: string
  /** ms: what was received from then on it decided */
  readonly from: number
  /** ms: events before are late under it; -Infinity for the first and for one that began within a day */
  readonly notBefore: number
}

export interface Pending {
  readonly entry: RegisterEntry & { readonly action: 'activate' | 'rollback' }
}

export interface History {
  /** in order; the last one rules */
  readonly reigns: readonly Reign[]
  /** the change that waits to take effect, or null */
  readonly pending: Pending['entry'] | null
}

type Activation = Pending['entry']

/** Reads a register. An empty one has no reigns. */
export function historyOf(entries: readonly RegisterEntry[]): History {
  const reigns: Reign[] = []
  const waiting = new Map<number, Activation>()
  for (const entry of entries) {
    switch (entry.action) {
      case 'initial':
        reigns.push({ hash: entry.hash, from: Number.NEGATIVE_INFINITY, notBefore: Number.NEGATIVE_INFINITY })
        break
      case 'activate':
      case 'rollback':
        waiting.set(entry.seq, entry)
        break
      case 'cancel':
        waiting.delete(entry.cancels)
        break
      case 'applied': {
        const activation = waiting.get(entry.applies)
        waiting.delete(entry.applies)
        reigns.push({
          hash: entry.hash,
          from: entry.from,
          notBefore: activation?.atOnce === false ? activation.takesEffect : Number.NEGATIVE_INFINITY,
        })
        break
      }
      case 'notice':
        break
      default: {
        const never: never = entry
        throw new TypeError(`unknown entry ${String(never)}`)
      }
    }
  }
  return { reigns, pending: [...waiting.values()].at(-1) ?? null }
}

/**
 * The rulebooks that may have decided rows of a window, oldest first.
 * @param end ms, of the window's days @param closes ms, end + lateness: nothing is received for it later
 */
export function ruling(
  reigns: readonly Reign[],
  start: number,
  end: number,
  closes: number,
): readonly Reign[] {
  return reigns.filter((reign, at) => {
    const until = reigns[at + 1]?.from ?? Number.POSITIVE_INFINITY
    return reign.from < closes && until > start && reign.notBefore < end
  })
}

/** When people were first told of a rulebook, ms; null where nobody was. */
export function noticeOf(entries: readonly RegisterEntry[], hash: string): number | null {
  return entries.find((entry) => entry.action === 'notice' && entry.hash === hash)?.time ?? null
}
