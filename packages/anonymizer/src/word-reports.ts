/** Which segments of an accepted event a word learner hears of: those that a rule with a list of words replaced. */
import type { Stream } from '@tacit/contracts'
import type { Site } from '@tacit/rulebook'
import type { Dimension, EventContext } from './dimensions.js'
import type { CalendarDay, Resolved } from './identity.js'
import { unapprovedSegments } from './path-template.js'
import { type WordSink, wordUse } from './word-learner.js'

/** Tells the segments of one event that passed. */
type WordReports = (
  site: Site,
  context: EventContext,
  person: { readonly day: CalendarDay; readonly identities: readonly Resolved[] },
) => void

/**
 * Compiles the reports; null where no rule has a list of words or nobody listens: nothing is done per event then. Only
 * fields that a statistic reads are learnt about.
 */
export function compileWordReports(
  dimensions: readonly Dimension[],
  streams: readonly Stream[],
  words: WordSink | undefined,
): WordReports | null {
  const learnt = dimensions.flatMap(({ raw, rule }) =>
    rule.do === 'template' && 'generic' in rule && rule.generic.words !== 'any'
      ? [{ raw, approved: new Set(rule.generic.words) }]
      : [],
  )
  const ofDay = streams.indexOf('day')
  if (words === undefined || learnt.length === 0 || ofDay < 0) return null
  return (site, context, { day, identities }) => {
    const identity = identities[ofDay]
    if (identity?.state !== 'known') return
    for (const { approved, raw } of learnt) {
      const path = raw(context)
      if (typeof path !== 'string') continue
      for (const segment of unapprovedSegments(path, approved)) {
        const use = wordUse(site.id, site.identity, day, identity, segment)
        if (use !== null) words.saw(use)
      }
    }
  }
}
