/**
 * What changes for people from one rulebook to another. Every difference of meaning is classed, and the whole by its
 * worst. What no rule here knows is a loosening: a change that nobody classed must not pass as harmless.
 */
import { dimensionsOf } from '../plan.js'
import { fieldOf } from '../dimensions.js'
import type { Rulebook, Site } from '../types.js'
import { canonical, compareNumber, compareRecord, compareSet, equal } from './compare.js'
import { diffField } from './fields.js'
import { diffStatistic } from './statistics.js'
import type { Change, ChangeClass, DiffRefusal, RulebookDiff, Say } from './types.js'

export type { Change, ChangeClass, RulebookDiff } from './types.js'

const DAY = 86_400_000
/** People are told so long before a loosening takes effect (privacy policy, clause 11). */
export const NOTICE_DAYS = 30
const MAX_SHOWN = 80

const hours = (ms: number): string => `${String(ms / 3_600_000)}h`
const utcDate = (time: number): string => new Date(time).toISOString().slice(0, 10)

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text
}

function diffFrame(say: Say, from: Rulebook, to: Rulebook): void {
  const neutral = (path: string, a: unknown, b: unknown, says: string): void => {
    if (!equal(a, b)) say(path, 'neutral', a, b, says)
  }
  neutral('rulebook', from.name, to.name, 'The rulebook has another name.')
  neutral('version', from.version, to.version, 'The rulebook has another version.')
  neutral(
    'policy.version',
    from.policy.version,
    to.policy.version,
    'It serves another policy; consents to the former one no longer cover it.',
  )
  compareSet(
    say,
    'policy.clauses',
    from.policy.clauses,
    to.policy.clauses,
    { class: 'neutral', says: (clause) => `It says that it serves clause ${clause}.` },
    { class: 'loosen', says: (clause) => `It no longer says that it serves clause ${clause}.` },
  )
  neutral('effective', utcDate(from.effective), utcDate(to.effective), 'It takes effect on another day.')
  // Rules are looked at again every year; the linter bounds how far ahead it may lie.
  neutral(
    'expires',
    utcDate(from.expires),
    utcDate(to.expires),
    'It is to be looked at again on another day.',
  )
  neutral(
    'notice.at',
    from.noticeAt === null ? null : utcDate(from.noticeAt),
    to.noticeAt === null ? null : utcDate(to.noticeAt),
    'People were told on another day.',
  )
  neutral('examples', from.examples.length, to.examples.length, 'It has other examples.')
  if (from.examples.length === to.examples.length)
    neutral('examples', canonical(from.examples), canonical(to.examples), 'It has other examples.')
}

function diffPurpose(say: Say, from: Rulebook['purpose'], to: Rulebook['purpose']): void {
  if (from.id !== to.id)
    say(
      'purpose.id',
      'loosen',
      from.id,
      to.id,
      'It serves another purpose, which people were never asked for.',
    )
  if (from.consent !== to.consent)
    say('purpose.consent', 'loosen', from.consent, to.consent, 'Another consent is asked for.')
  compareNumber(
    say,
    'purpose.max_consent_age',
    from.maxConsentAgeMonths,
    to.maxConsentAgeMonths,
    'loosen',
    {
      up: 'Older consent counts.',
      down: 'Consent goes stale sooner.',
    },
    (months) => `${String(months)} months`,
  )
  compareSet(
    say,
    'purpose.refuse_when',
    [...from.refuseWhen],
    [...to.refuseWhen],
    { class: 'tighten', says: (signal) => `It also refuses on ${signal}.` },
    { class: 'loosen', says: (signal) => `It no longer refuses on ${signal}.` },
  )
}

function diffSite(say: Say, from: Site, to: Site): void {
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
}

function diffTimes(say: Say, from: Rulebook, to: Rulebook): void {
  compareSet(
    say,
    'epochs.streams',
    from.epochs.streams,
    to.epochs.streams,
    { class: 'loosen', says: (stream) => `Records can be linked over a ${stream}.` },
    { class: 'tighten', says: (stream) => `Records can no longer be linked over a ${stream}.` },
  )
  const longer = { up: 'It is kept longer.', down: 'It is kept for a shorter time.' }
  compareNumber(
    say,
    'epochs.lateness',
    from.epochs.latenessMs,
    to.epochs.latenessMs,
    'loosen',
    { up: 'Later events count.', down: 'Late events count for a shorter time.' },
    hours,
  )
  compareNumber(
    say,
    'epochs.destroy_key_after',
    from.epochs.destroyKeyAfterMs,
    to.epochs.destroyKeyAfterMs,
    'loosen',
    { up: 'Keys live longer.', down: 'Keys die sooner.' },
    hours,
  )
  compareNumber(say, 'keep.log', from.keep.logMs, to.keep.logMs, 'loosen', longer, hours)
  compareNumber(
    say,
    'keep.staging',
    from.keep.stagingAfterEpochMs,
    to.keep.stagingAfterEpochMs,
    'loosen',
    longer,
    hours,
  )
  compareNumber(say, 'keep.released', from.keep.releasedMonths, to.keep.releasedMonths, 'loosen', longer)
  // The record of what was done is what people can check us by: keeping less of it is the loosening.
  compareNumber(say, 'keep.audit', from.keep.auditDays, to.keep.auditDays, 'tighten', longer)
}

function diffRelease(say: Say, from: Rulebook['release'], to: Rulebook['release']): void {
  const larger = { up: 'Numbers cover larger groups.', down: 'Numbers cover smaller groups.' }
  compareNumber(say, 'release.min_users', from.minUsers, to.minUsers, 'tighten', larger)
  const stated = (count: number): unknown => (count === Number.MAX_SAFE_INTEGER ? null : count)
  compareNumber(say, 'release.min_tenants', from.minTenants, to.minTenants, 'tighten', larger, stated)
  compareNumber(say, 'release.min_networks', from.minNetworks, to.minNetworks, 'tighten', larger, stated)
  const share = {
    up: 'One contributor may be more of a number.',
    down: 'One contributor may be less of a number.',
  }
  const percent = (value: number): string => `${String(Number((value * 100).toFixed(1)))}%`
  compareNumber(say, 'release.max_share', from.maxShare, to.maxShare, 'loosen', share, percent)
  compareNumber(
    say,
    'release.max_person_share',
    from.maxPersonShare,
    to.maxPersonShare,
    'loosen',
    share,
    percent,
  )
  compareNumber(
    say,
    'release.max_events_per_person',
    from.maxEventsPerPerson,
    to.maxEventsPerPerson,
    'loosen',
    {
      up: 'More events of one person count.',
      down: 'Fewer events of one person count.',
    },
  )
}

function diffContent(say: Say, from: Rulebook, to: Rulebook): void {
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

const RANK: Readonly<Record<ChangeClass, number>> = { tighten: 0, neutral: 1, loosen: 2 }

/** What names and dates a rulebook: it says nothing of what happens to people. */
const FRAME: ReadonlySet<string> = new Set([
  'rulebook',
  'version',
  'effective',
  'expires',
  'notice.at',
  'examples',
])

/** Whether a change is of a rulebook's name, dates or examples alone. */
export function isFrame(change: Change): boolean {
  return FRAME.has(change.path)
}

/** The worst of some changes; neutral where there is none but of names and dates. */
function worst(changes: readonly Change[]): ChangeClass {
  const meant = changes.filter((change) => !isFrame(change))
  if (meant.length === 0) return 'neutral'
  return meant.reduce<ChangeClass>(
    (found, change) => (RANK[change.class] > RANK[found] ? change.class : found),
    'tighten',
  )
}

/** Changes of what is decided and transformed; statistics, thresholds and times hang on whole windows. */
const AT_ONCE = /^(?:fields|scan|purpose|sites|events|bots|assets)\b/

/**
 * Whether a change may take effect in the middle of a day: it tightens decision or transformation, and touches nothing
 * else (design.md, "Disclosure", step 7).
 */
export function mayTakeEffectAtOnce(diff: RulebookDiff): boolean {
  const meant = diff.changes.filter((change) => !isFrame(change))
  return (
    diff.class !== 'loosen' &&
    meant.some((change) => change.class === 'tighten') &&
    meant.every((change) => AT_ONCE.test(change.path))
  )
}

/** Whether a loosening states a notice that is old enough when it takes effect. */
function noticeRefusal(to: Rulebook): DiffRefusal | null {
  if (to.noticeAt === null) {
    return {
      code: 'RULE_LOOSEN_NOTICE',
      message:
        'It loosens the rules and states no notice: tell people, and write the day under `notice: { at: … }`.',
      earliest: null,
    }
  }
  const earliest = to.noticeAt + NOTICE_DAYS * DAY
  if (to.effective >= earliest) return null
  return {
    code: 'RULE_LOOSEN_NOTICE',
    message: `It loosens the rules, and takes effect before people were told of it for ${String(NOTICE_DAYS)} days. The first day it may is ${utcDate(earliest)}.`,
    earliest: utcDate(earliest),
  }
}

/** Compares two rulebooks. Pure. @param from the one that rules @param to the one that shall */
export function diffRulebooks(from: Rulebook, to: Rulebook): RulebookDiff {
  const changes: Change[] = []
  const say: Say = (path, kind, before, after, says) => {
    changes.push({ path, class: kind, from: shown(before), to: shown(after), says })
  }
  diffFrame(say, from, to)
  diffPurpose(say, from.purpose, to.purpose)
  diffTimes(say, from, to)
  diffRelease(say, from.release, to.release)
  diffContent(say, from, to)
  const whole = worst(changes)
  return { class: whole, changes, refusal: whole === 'loosen' ? noticeRefusal(to) : null }
}

/** Everything that a statistic's numbers hang on, as text: its declaration, its fields' rules, its events, its thresholds. */
function declarationOf(rulebook: Rulebook, id: string): string | null {
  const statistic = rulebook.statistics.find((candidate) => candidate.id === id)
  if (statistic === undefined) return null
  const fields = [
    'user_id',
    'tenant_id',
    'timestamp',
    'event_name',
    ...dimensionsOf(statistic).map((name) => fieldOf(rulebook, name) ?? name),
  ]
  const { title: _title, ...declaration } = statistic
  return canonical([
    declaration,
    [...new Set(fields)].sort().map((field) => [field, rulebook.fields[field] ?? null]),
    rulebook.events,
    rulebook.release,
    rulebook.purpose.id,
    rulebook.sites[statistic.site] ?? null,
    rulebook.epochs,
    rulebook.bots,
  ])
}

/**
 * Whether a statistic means the very same under two rulebooks: only then may a window that both ruled be released
 * (design.md, "Disclosure", step 7).
 */
export function sameDeclaration(from: Rulebook, to: Rulebook, id: string): boolean {
  const declaration = declarationOf(from, id)
  return declaration !== null && declaration === declarationOf(to, id)
}
