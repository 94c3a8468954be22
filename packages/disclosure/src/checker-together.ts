/** What the manifests of one window must hold together. */
import { type BrokenRule, keyOf } from './checker-rules.js'
import type { Verdict } from './checker.js'
import type { Cell } from './types.js'

/**
 * Checks what one window releases together: no manifest twice, and the events of a kind in one statistic only
 * (`kind: null` reads every kind).
 */
export function checkTogether(
  manifests: readonly {
    readonly site: string
    readonly statistic: string
    readonly kind: string | null
    readonly window: string
    readonly windowStart: number
    readonly cells: readonly Cell[]
  }[],
): Verdict {
  const broken = new Set<BrokenRule>()
  const ids = manifests.map(({ site, statistic, window, windowStart }) =>
    keyOf([site, statistic, window, `${windowStart}`]),
  )
  if (new Set(ids).size !== ids.length) broken.add('twice')
  const additive = manifests.filter(({ cells }) => cells.some(({ events }) => events !== null))
  for (const [index, one] of additive.entries()) {
    const clash = additive
      .slice(index + 1)
      .some(
        (two) =>
          one.site === two.site &&
          one.window === two.window &&
          one.windowStart === two.windowStart &&
          (one.kind === two.kind || one.kind === null || two.kind === null),
      )
    if (clash) broken.add('additive')
  }
  return broken.size === 0 ? { ok: true } : { ok: false, findings: [...broken].sort() }
}
