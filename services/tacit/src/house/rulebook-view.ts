/** The register of rulebooks as the privacy team reads it. Pure. */
import { rfc3339 } from '@tacit/contracts'
import type { RulebookHistory } from '@tacit/dashboard'
import type { RegisterEntry } from '@tacit/keeper'
import { historyOf, pendingOf } from './rulebook-history.js'

/** Which rulebook rules since when, which one waits, and which ruled before. A register without entries says nothing. */
export function rulebookView(entries: readonly RegisterEntry[]): RulebookHistory {
  const { reigns, waiting } = historyOf(entries)
  const pending = pendingOf(waiting)
  // The first one rules events of any time; it began to when the data directory was made.
  const begun = entries.find(({ action }) => action === 'initial')?.time ?? null
  const since = (from: number): string | null => {
    const time = Number.isFinite(from) ? from : begun
    return time === null ? null : rfc3339(time)
  }
  const history = reigns.map(({ from, hash }, at) => {
    const next = reigns[at + 1]
    return { hash, since: since(from), until: next === undefined ? null : since(next.from) }
  })
  return {
    since: history.at(-1)?.since ?? null,
    pending:
      pending === null
        ? null
        : {
            hash: pending.entry.hash,
            takes_effect: rfc3339(pending.entry.takesEffect),
            verified: pending.verified,
          },
    history,
  }
}
