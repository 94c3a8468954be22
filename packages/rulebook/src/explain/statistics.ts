/** What is counted and what may be published of it. */
import {
  type EventKind,
  type Measure,
  MEASURES,
  type Noise,
  type Rulebook,
  type Statistic,
  type Window,
} from '../types.js'
import { type Block, list, table, text } from './document.js'
import { sitesOf } from './identity.js'
import { code, codes, counted, listed, number, percent, plain, sentence } from './words.js'

const WINDOWS: Readonly<Record<string, string>> = {
  '5m': 'the last five minutes',
  hour: 'hour',
  day: 'day',
  week: 'week',
  month: 'month',
}
/** What somebody did, of each kind of event. */
const DID: Readonly<Record<EventKind, string>> = {
  page_view: 'viewed pages',
  feature: 'used features',
  timing: 'loaded pages',
  error: 'met an error',
  device: 'started the app',
}
const NOUNS: Readonly<Record<EventKind, string>> = {
  page_view: 'page views',
  feature: 'uses of features',
  timing: 'loading times',
  error: 'errors',
  device: 'starts of the app',
}

/** `, by \`a\` and \`b\``, or nothing. */
const by = (names: readonly string[]): string => (names.length === 0 ? '' : `, by ${codes(names)}`)

/** What is counted by what, in words of its own for each measure. */
function countedWords(statistic: Statistic, who: string): string {
  const { by: dimensions, drill, measures } = statistic
  const { kind } = statistic.where
  const people = `how many ${who} ${kind === undefined ? 'there were' : DID[kind]}`
  const events = kind === undefined ? 'how many events there were' : `how often ${who} ${DID[kind]}`
  const told: Readonly<Record<Measure, string>> = {
    users: people,
    events: measures.includes('users') ? 'how often' : events,
    visits: 'how many visits began there',
    time_s: 'how many seconds they stayed, each view at the lower end of its step',
  }
  const deeper = drill.length > 0 ? `, and within that by ${codes(drill)}` : ''
  return sentence(
    `${listed(MEASURES.filter((measure) => measures.includes(measure)).map((measure) => told[measure]))}${by(dimensions)}${deeper}.`,
  )
}

/** What the numbers of hours, and of weeks and months, do not tell or are made of. */
function windowNotes({ drill, measures, windows }: Statistic): readonly string[] {
  const additive = measures.some((measure) => measure !== 'users')
  const longer = windows.filter((window) => window === 'week' || window === 'month')
  const hours = [
    ...(additive ? ['how many people there were'] : []),
    ...(drill.length > 0 ? [`nothing by ${codes(drill, 'or')}`] : []),
  ]
  return [
    ...(windows.includes('hour') && hours.length > 0
      ? [`Of an hour it says ${additive ? 'only ' : ''}${hours.join(', and ')}.`]
      : []),
    ...(longer.length > 0 && additive
      ? [
          `Of a ${listed(longer, 'or')} people are counted once each; all else is the sum of its published days.`,
        ]
      : []),
  ]
}

/** What a statistic counts, in a sentence or a few. */
function says(statistic: Statistic, rulebook: Rulebook): string {
  const who = rulebook.sites[statistic.site]?.identity === 'network' ? 'devices' : 'people'
  const { kind } = statistic.where
  const { shape } = statistic
  switch (shape.type) {
    case 'live':
      return `How many ${who} were active in the last five minutes. It is one number, in steps and never exact, and the next one takes its place.`
    case 'histogram':
      return `Which share of the ${kind === undefined ? 'events' : NOUNS[kind]} falls into each step of ${code(shape.field)}${by(statistic.by)}, in whole percentages. Steps that too few fall into are joined with their neighbours.`
    case 'funnel':
      return `How many ${who} did these steps on one day in this order: ${codes(
        shape.steps.map(({ value }) => value),
        'then',
      )}. Of each step it counts who did all those before it.`
    case 'retention':
      return `How many ${who} of each ${code(shape.cohort)} came back. The ${code(shape.cohort)} says when they joined; nobody is followed from one ${statistic.windows[0] ?? 'week'} to the next.`
    case 'counts': {
      const base = rulebook.statistics.find(({ id }) => id === statistic.per)
      const rate = base === undefined ? [] : [`It is also told per 100 events of ${plain(base.title)}.`]
      return [countedWords(statistic, who), ...windowNotes(statistic), ...rate].join(' ')
    }
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

function period(statistic: Statistic): string {
  return sentence(
    statistic.windows
      .map((window) => (window === '5m' ? 'now' : `every ${WINDOWS[window] ?? window}`))
      .join(', '),
  )
}

function dominance(rulebook: Rulebook, one: string): readonly string[] {
  const { maxEventsPerPerson, maxPersonShare } = rulebook.release
  return [
    // At 100 % it says nothing.
    ...(maxPersonShare < 1
      ? [`No single ${one} makes up more than ${percent(maxPersonShare)} of a number of events.`]
      : []),
    `Of one ${one}, at most ${counted(maxEventsPerPerson, 'event')} of a kind and day count.`,
  ]
}

function thresholds(rulebook: Rulebook): readonly string[] {
  const { release } = rulebook
  const signed = sitesOf(rulebook, 'signed')
  const network = sitesOf(rulebook, 'network')
  const both = signed.length > 0 && network.length > 0
  const exact = rulebook.statistics
    .filter(({ people }) => people === 'exact')
    .map(({ title }) => plain(title))
  const who = both ? 'people or devices' : signed.length > 0 ? 'people' : 'devices'
  const of = (sites: readonly string[]): string => (both ? ` of ${codes(sites)}` : '')
  return [
    ...(signed.length > 0
      ? [
          `Each number${of(signed)} covers at least ${counted(release.minUsers, 'person', 'people')} of at least ${counted(release.minTenants, 'company', 'companies')}, and would do so even without the largest of these companies.`,
          `No company makes up more than ${percent(release.maxShare)} of a number.`,
          'Only people of established customers count; trials, tests and our own staff do not.',
        ]
      : []),
    ...(network.length > 0
      ? [
          `Each number${of(network)} covers at least ${counted(release.minUsers, 'device')} from at least ${counted(release.minNetworks, 'network')}.`,
        ]
      : []),
    ...dominance(rulebook, both ? 'person or device' : signed.length > 0 ? 'person' : 'device'),
    `Numbers of ${who} are rounded down to steps of ${number(release.step)}${exact.length > 0 ? `, except in ${listed(exact)}, where they are exact` : ''}.`,
    'A number that does not pass is added to others until they pass together, under the name `(other)`, or is not published at all.',
    ...(declares(rulebook, 'hour') ? ['The numbers of its hours are published together with a day’s.'] : []),
    'A number is computed once, when its period has ended, and never again.',
    ...sensitive(rulebook),
    noise(release.noise, both ? 'one person or device' : signed.length > 0 ? 'one person' : 'one device'),
  ]
}

const declares = ({ statistics }: Rulebook, window: Window): boolean =>
  statistics.some(({ windows }) => windows.includes(window))

/** Events of which nothing is said where it would be said of everybody. */
function sensitive({ events }: Rulebook): readonly string[] {
  const names = Object.keys(events).filter((name) => events[name]?.sensitive === true)
  if (names.length === 0) return []
  return [
    `${codes(names)} ${names.length === 1 ? 'is' : 'are'} sensitive: where everybody of a group did it, or nobody, that is not told.`,
  ]
}

/** @param one whose day it protects */
function noise(stated: Noise | null, one: string): string {
  if (stated === null) return 'No random noise is added to them.'
  const kind = stated.mechanism === 'laplace' ? 'Laplace' : 'Gaussian'
  const cost =
    stated.mechanism === 'laplace'
      ? `an epsilon of ${stated.epsilon}`
      : `a rho of ${stated.rho}, at a delta of ${stated.delta}`
  return `Random noise (discrete ${kind}) is added to each, drawn once and for all; with it stands how far off it may be. A day of ${one} costs ${cost} over all statistics of a site, a year at most ${stated.capPerYear}; what would cost more is not published.`
}

/** The statistics and what protects them. */
export function statisticBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = rulebook.statistics.map((statistic) => [
    plain(statistic.title),
    statistic.site,
    says(statistic, rulebook),
    period(statistic),
  ])
  return [
    text(
      `${sentence(counted(rows.length, 'statistic'))} ${rows.length === 1 ? 'is' : 'are'} declared. Nobody can ask for any other number, because no other number is ever computed.`,
    ),
    table(['Statistic', 'Site', 'What it says', 'How often'], rows),
    text('Before anything is published:'),
    list(thresholds(rulebook)),
  ]
}
