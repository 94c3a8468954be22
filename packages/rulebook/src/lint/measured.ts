/**
 * What cannot be known before something was counted: whether the dimensions of a statistic tell more of a person than
 * its population hides. A row's budget is log2(N/k) bits, N the people of the smallest population that was published and
 * k = min_users (privacy.md 2.7). It is judged by released cells alone: nobody reads rows for it, and what the finding
 * says is a function of what is public.
 */
import { findingAt } from '../place.js'
import { RULEBOOK_FILE } from '../catalogues.js'
import { declaredBits, isDescriptive } from './bits.js'
import type { Finding, Rulebook, Statistic } from '../types.js'

/** One released cell. */
export interface MeasuredCell {
  /** start of its window, RFC 3339 */
  readonly window: string
  /** by dimension */
  readonly values: Readonly<Record<string, string>>
  /** people, floored; null where only events are public */
  readonly users: number | null
}

/** The cells of a statistic in a window of one length, of the newest windows. */
export interface MeasuredStatistic {
  readonly id: string
  readonly site: string
  readonly by: readonly string[]
  readonly cells: readonly MeasuredCell[]
}

/** Shannon's entropy of the people of cells over some of their dimensions, bits. */
function measuredBits(cells: readonly MeasuredCell[], dimensions: readonly string[]): number {
  const people = new Map<string, number>()
  let total = 0
  for (const { users, values } of cells) {
    if (users === null) continue
    const key = JSON.stringify(dimensions.map((name) => values[name]))
    people.set(key, (people.get(key) ?? 0) + users)
    total += users
  }
  let bits = 0
  for (const count of people.values()) {
    if (count > 0) bits -= (count / total) * Math.log2(count / total)
  }
  return bits
}

/** For each site the window in which the fewest people are proved by what was published, and how many. */
function smallest(
  measured: readonly MeasuredStatistic[],
): ReadonlyMap<string, { readonly window: string; readonly people: number }> {
  const proved = new Map<string, Map<string, number>>()
  for (const { cells, site } of measured) {
    const windows = proved.get(site) ?? new Map<string, number>()
    proved.set(site, windows)
    for (const { users, window } of cells) {
      if (users !== null) windows.set(window, Math.max(windows.get(window) ?? 0, users))
    }
  }
  const found = new Map<string, { window: string; people: number }>()
  for (const [site, windows] of proved) {
    for (const [window, people] of windows) {
      if (people < (found.get(site)?.people ?? Number.POSITIVE_INFINITY)) found.set(site, { window, people })
    }
  }
  return found
}

/** Bits of the dimensions of a statistic: measured where they were published, declared where they were not. */
function bitsOf(
  rulebook: Rulebook,
  { by, drill, id, site }: Statistic,
  measured: readonly MeasuredStatistic[],
  window: string,
): { readonly bits: number; readonly how: 'tell' | 'can tell' } | null {
  const descriptive = (names: readonly string[]) => names.filter((name) => isDescriptive(rulebook, name))
  const known = measured.find(
    (one) => one.id === id && one.site === site && by.every((name) => one.by.includes(name)),
  )
  const cells = known?.cells.filter((cell) => cell.window === window) ?? []
  const own =
    cells.length > 0 ? measuredBits(cells, descriptive(by)) : declaredBits(rulebook, descriptive(by))
  const drilled = declaredBits(rulebook, descriptive(drill.filter((name) => !by.includes(name))))
  if (own === null || drilled === null) return null
  return { bits: own + drilled, how: cells.length > 0 && drilled === 0 ? 'tell' : 'can tell' }
}

/**
 * Findings of a rulebook against released cells. A statistic whose domain is open and that was never published is not
 * judged.
 * @param file the name that findings carry
 */
export function measuredFindings(
  rulebook: Rulebook,
  file: string,
  measured: readonly MeasuredStatistic[],
): readonly Finding[] {
  const populations = smallest(measured)
  const text = rulebook.sources[RULEBOOK_FILE] ?? ''
  return rulebook.statistics.flatMap((statistic) => {
    const population = populations.get(statistic.site)
    if (population === undefined) return []
    const budget = Math.log2(population.people / rulebook.release.minUsers)
    const found = bitsOf(rulebook, statistic, measured, population.window)
    if (found === null || found.bits <= budget) return []
    const key = statistic.by.length > 0 ? 'by' : 'drill'
    return [
      findingAt(
        'RULE_BITS_MEASURED',
        { file, text },
        ['statistics', statistic.id, key],
        `The dimensions of statistics.${statistic.id} ${found.how} ${found.bits.toFixed(1)} bits of a person; ` +
          `on ${population.window.slice(0, 10)} its site had some ${population.people} people, which hide ` +
          `${Math.max(0, budget).toFixed(1)} bits (log2 of ${population.people}/${rulebook.release.minUsers}).`,
      ),
    ]
  })
}
