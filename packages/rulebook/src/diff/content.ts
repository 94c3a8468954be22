/** Changes of what is counted: sites, fields, events, statistics, and what texts are searched for. */
import type { DeclaredEvent, Rulebook, Site } from '../types.js'
import { compareRecord, compareRest, compareSet } from './compare.js'
import { diffField } from './fields.js'
import { diffStatistic } from './statistics.js'
import type { Say } from './types.js'

/** The change of one site. */
export function diffSite(say: Say, from: Site, to: Site): void {
  const at = `sites.${from.id}`
  compareSet(
    say,
    `${at}.origins`,
    from.origins,
    to.origins,
    { class: 'loosen', says: (origin) => `Pages of ${origin} may send.` },
    { class: 'tighten', says: (origin) => `Pages of ${origin} may no longer send.` },
  )
  if (from.identity !== to.identity)
    say(`${at}.identity`, 'loosen', from.identity, to.identity, 'People are known by something else.')
  if (from.lawfulBasis !== to.lawfulBasis) {
    const consent = to.lawfulBasis === 'consent'
    say(
      `${at}.lawful_basis`,
      consent ? 'tighten' : 'loosen',
      from.lawfulBasis,
      to.lawfulBasis,
      consent ? 'Consent is asked for.' : 'Consent is no longer asked for.',
    )
  }
  if (from.region !== to.region)
    say(`${at}.region`, 'loosen', from.region, to.region, 'Records lie in another region.')
  compareRest(say, at, from, to, ['id', 'origins', 'identity', 'lawfulBasis', 'region'])
}

/** Rates of a sensitive event that say it of everybody, or of nobody, are hidden. */
function diffSensitive(say: Say, name: string, from: DeclaredEvent, to: DeclaredEvent): void {
  const [before, after] = [from.sensitive === true, to.sensitive === true]
  if (before === after) return
  say(
    `events.${name}.sensitive`,
    after ? 'tighten' : 'loosen',
    before,
    after,
    after ? 'Rates of 0 % and 100 % of it are hidden.' : 'Rates of 0 % and 100 % of it are no longer hidden.',
  )
}

/** Sites, fields, events, statistics, and what is searched for. */
export function diffContent(say: Say, from: Rulebook, to: Rulebook): void {
  compareRecord(from.sites, to.sites, {
    both: (_id, before, after) => diffSite(say, before, after),
    added: (id) => say(`sites.${id}`, 'loosen', null, id, 'Another site is counted.'),
    removed: (id) => say(`sites.${id}`, 'tighten', id, null, 'The site is no longer counted.'),
  })
  compareRecord(from.fields, to.fields, {
    both: (field, before, after) => diffField(say, field, before, after),
    added: (field, rule) =>
      rule.do === 'drop'
        ? say(`fields.${field}`, 'neutral', null, rule.do, 'The field is named, and dropped as before.')
        : say(`fields.${field}`, 'loosen', null, rule.do, 'Another field is read.'),
    removed: (field, rule) =>
      say(
        `fields.${field}`,
        rule.do === 'drop' ? 'neutral' : 'tighten',
        rule.do,
        null,
        'The field is no longer named, and so dropped.',
      ),
  })
  compareRecord(from.events, to.events, {
    both: (name, before, after) => {
      if (before.kind !== after.kind)
        say(`events.${name}.kind`, 'loosen', before.kind, after.kind, 'The event counts as another kind.')
      diffSensitive(say, name, before, after)
      compareRest(say, `events.${name}`, before, after, ['kind', 'sensitive'])
    },
    added: (name, { kind }) => say(`events.${name}`, 'loosen', null, kind, 'Another event is counted.'),
    removed: (name, { kind }) =>
      say(`events.${name}`, 'tighten', kind, null, 'The event is no longer counted.'),
  })
  const byId = (rulebook: Rulebook) =>
    Object.fromEntries(rulebook.statistics.map((statistic) => [statistic.id, statistic]))
  compareRecord(byId(from), byId(to), {
    both: (_id, before, after) => diffStatistic(say, before, after),
    added: (id, { title }) =>
      say(`statistics.${id}`, 'loosen', null, title, 'Another statistic is published.'),
    removed: (id, { title }) =>
      say(`statistics.${id}`, 'tighten', title, null, 'The statistic is no longer published.'),
  })
  compareSet(
    say,
    'scan.detectors',
    from.scan?.detectors ?? [],
    to.scan?.detectors ?? [],
    { class: 'tighten', says: (detector) => `Texts are searched for ${detector}.` },
    { class: 'loosen', says: (detector) => `Texts are no longer searched for ${detector}.` },
  )
  if (from.scan !== null && to.scan !== null) {
    // Dropping the event is the strictest there is: whatever else happens on a hit lets more through.
    compareRest(say, 'scan', from.scan, to.scan, ['detectors'])
  }
  for (const key of ['bots', 'assets'] as const) {
    if (from[key] === to[key]) continue
    const count = to[key] === 'count'
    say(
      key,
      count ? 'loosen' : 'tighten',
      from[key],
      to[key],
      count ? 'They are counted.' : 'They are no longer counted.',
    )
  }
  if (from.region !== to.region)
    say('region', 'loosen', from.region, to.region, 'Keys and records lie in another region.')
}
