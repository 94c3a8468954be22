/** What is counted and what may be published of it. */
import { isReleased } from '../plan.js'
import type { EventKind, Rulebook, Site, Statistic } from '../types.js'
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

/** One sentence on what a statistic counts. */
function counts(statistic: Statistic, site: Site | undefined): string {
  const who = site?.identity === 'network' ? 'devices' : 'people'
  const { kind } = statistic.where
  const { shape } = statistic
  switch (shape.type) {
    case 'live':
      return `How many ${who} are active right now, in steps and never exactly.`
    case 'histogram':
      return `How ${kind === undefined ? 'events' : NOUNS[kind]} spread over the steps of ${code(shape.field)}${by(statistic.by)}, as whole percentages.`
    case 'funnel':
      return `How many ${who} did these steps in this order: ${codes(
        shape.steps.map(({ value }) => value),
        'then',
      )}.`
    case 'retention':
      return `How many ${who} of each ${code(shape.cohort)} came back.`
    case 'counts': {
      const people = `How many ${who} ${kind === undefined ? 'there were' : DID[kind]}`
      const events = kind === undefined ? 'how many events there were' : `how often ${who} ${DID[kind]}`
      const what = !statistic.measures.includes('events')
        ? people
        : statistic.measures.includes('users')
          ? `${people}, and how often`
          : sentence(events)
      const deeper = statistic.drill.length > 0 ? `, and within that by ${codes(statistic.drill)}` : ''
      return `${what}${by(statistic.by)}${deeper}.`
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

function published(statistic: Statistic): string {
  const windows = statistic.windows.filter((window) => isReleased(statistic, window))
  if (windows.length === statistic.windows.length) {
    return statistic.drill.length > 0 ? `Yes; not yet by ${codes(statistic.drill)}` : 'Yes'
  }
  if (windows.length === 0) return 'Not by this version'
  return `By the ${listed(windows)}; not yet by the ${listed(statistic.windows.filter((window) => !windows.includes(window)))}`
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
    `Numbers of ${who} are rounded down to steps of ${number(release.minUsers)}${exact.length > 0 ? `, except in ${listed(exact)}, where they are exact` : ''}.`,
    'A number that does not pass is added to others until they pass together, under the name `(other)`, or is not published at all.',
    'A number is computed once, when its period has ended, and never again.',
  ]
}

/** The statistics and what protects them. */
export function statisticBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = rulebook.statistics.map((statistic) => [
    plain(statistic.title),
    statistic.site,
    counts(statistic, rulebook.sites[statistic.site]),
    period(statistic),
    published(statistic),
  ])
  return [
    text(
      `${sentence(counted(rows.length, 'statistic'))} ${rows.length === 1 ? 'is' : 'are'} declared. Nobody can ask for any other number, because no other number is ever computed.`,
    ),
    table(['Statistic', 'Site', 'What it says', 'How often', 'Published'], rows),
    text('Before anything is published:'),
    list(thresholds(rulebook)),
  ]
}
