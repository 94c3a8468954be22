/** Changes of statistics: what more or less may be published. */
import type { Statistic } from '../types.js'
import { compareRest, compareSet, equal } from './compare.js'
import type { Say } from './types.js'

/** The change of one statistic's declaration. */
export function diffStatistic(say: Say, from: Statistic, to: Statistic): void {
  const at = `statistics.${from.id}`
  for (const key of ['by', 'drill'] as const) {
    compareSet(
      say,
      `${at}.${key}`,
      from[key],
      to[key],
      { class: 'loosen', says: (name) => `It is counted by ${name} as well.` },
      { class: 'tighten', says: (name) => `It is no longer counted by ${name}.` },
    )
    const same = equal([...from[key]].sort(), [...to[key]].sort())
    if (same && !equal(from[key], to[key]))
      say(
        `${at}.${key}`,
        'neutral',
        from[key].join(', '),
        to[key].join(', '),
        'Its dimensions stand in another order.',
      )
  }
  compareSet(
    say,
    `${at}.window`,
    from.windows,
    to.windows,
    { class: 'loosen', says: (window) => `It is published by the ${window} as well.` },
    { class: 'tighten', says: (window) => `It is no longer published by the ${window}.` },
  )
  compareSet(
    say,
    `${at}.measures`,
    from.measures,
    to.measures,
    { class: 'loosen', says: (measure) => `It counts ${measure} as well.` },
    { class: 'tighten', says: (measure) => `It no longer counts ${measure}.` },
  )
  if (from.people !== to.people) {
    const exact = to.people === 'exact'
    say(
      `${at}.people`,
      exact ? 'loosen' : 'tighten',
      from.people,
      to.people,
      exact ? 'People are no longer rounded.' : 'People are rounded.',
    )
  }
  // Narrower is no less: how many had an error is told by no number about all events.
  if (from.where.kind !== to.where.kind)
    say(
      `${at}.where.kind`,
      'loosen',
      from.where.kind,
      to.where.kind,
      'It counts other events than before, a number that was never told.',
    )
  compareRest(say, `${at}.where`, from.where, to.where, ['kind'])
  if (from.site !== to.site) say(`${at}.site`, 'loosen', from.site, to.site, 'It counts another site.')
  if (!equal(from.shape, to.shape))
    say(at, 'loosen', from.shape.type, to.shape.type, 'It counts something else than before.')
  // A rate is worked out from two numbers that are published either way.
  if (from.per !== to.per)
    say(
      `${at}.per`,
      'neutral',
      from.per,
      to.per,
      'Another rate is shown, of numbers that are published anyway.',
    )
  if (from.title !== to.title) say(`${at}.title`, 'neutral', from.title, to.title, 'It has another title.')
  compareRest(say, at, from, to, [
    'id',
    'shape',
    'title',
    'site',
    'windows',
    'where',
    'by',
    'drill',
    'measures',
    'people',
    'per',
  ])
}
