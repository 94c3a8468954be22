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

export type Activation = RegisterEntry & { readonly action: 'activate' | 'rollback' }

/** A change that nobody took back and that does not rule yet. */
export interface Waiting {
  readonly entry: Activation
  /** whether the running instance will obey it, as it said last; null where it has not looked yet */
  readonly verified: boolean | null
}

export interface History {
  /** in order; the last one rules */
  readonly reigns: readonly Reign[]
  /** in order. Several only where some do not verify: whoever wrote those had other approvers than the instance */
  readonly waiting: readonly Waiting[]
}

/** Reads a register. An empty one has no reigns. */
export function historyOf(entries: readonly RegisterEntry[]): History {
  const reigns: Reign[] = []
  const waiting = new Map<number, Waiting>()
  for (const entry of entries) {
    switch (entry.action) {
      case 'initial':
        // There is one beginning: another one, written later, would have ruled for ever.
        if (reigns.length > 0) break
        reigns.push({ hash: entry.hash, from: Number.NEGATIVE_INFINITY, notBefore: Number.NEGATIVE_INFINITY })
        break
      case 'activate':
      case 'rollback':
        waiting.set(entry.seq, { entry, verified: null })
        break
      case 'cancel':
        waiting.delete(entry.cancels)
        break
      case 'checked': {
        const checked = waiting.get(entry.checks)
        if (checked !== undefined)
          waiting.set(entry.checks, { entry: checked.entry, verified: entry.code === null })
        break
      }
      case 'applied': {
        const activation = waiting.get(entry.applies)?.entry
        // Others waited in the place of the former one: a roll-back to that must not wake them.
        waiting.clear()
        reigns.push({
          hash: entry.hash,
          from: Math.max(entry.from, earliestOf(entry, activation)),
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
  return { reigns, waiting: [...waiting.values()] }
}

/** Before it was activated, and before its time, none can have ruled, whatever `from` says. */
function earliestOf(
  applied: RegisterEntry & { readonly action: 'applied' },
  activation: Activation | undefined,
): number {
  if (activation?.hash !== applied.hash) return applied.time
  return Math.max(activation.time, activation.takesEffect)
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

/** Of the changes that wait the one that will rule: the last that the instance did not refuse, else the last. */
export function pendingOf(waiting: readonly Waiting[]): Waiting | null {
  return waiting.findLast(({ verified }) => verified !== false) ?? waiting.at(-1) ?? null
}

/** When people were first told of a rulebook, ms; null where nobody was. */
export function noticeOf(entries: readonly RegisterEntry[], hash: string): number | null {
  return entries.find((entry) => entry.action === 'notice' && entry.hash === hash)?.time ?? null
}
