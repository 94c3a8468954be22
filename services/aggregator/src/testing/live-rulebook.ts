/** For tests: a rulebook with a number of the people of the last five minutes. */
import type { Rulebook } from '@tacit/rulebook'

/** The same rulebook with one such statistic, `live`, of the ERP. */
export function liveRulebook(rulebook: Rulebook): Rulebook {
  const live = {
    id: 'live',
    shape: { type: 'live' },
    title: 'Right now',
    site: 'erp',
    windows: ['5m'],
    where: {},
    by: [],
    drill: [],
    measures: ['users'],
    people: 'floored',
  } as const
  const others = rulebook.statistics.filter(({ shape }) => shape.type !== 'live')
  return { ...rulebook, statistics: [...others, live] }
}
