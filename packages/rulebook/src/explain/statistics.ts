/** What is counted and what may be published of it. */
import { isReleased } from '../plan.js'
import type { EventKind, Rulebook, Site, Statistic } from '../types.js'
import { type Block, list, table, text } from './document.js'
import { counted, listed, number, percent, sentence } from './words.js'

const WINDOWS: Readonly<Record<string, string>> = {
  '5m': 'the last five minutes',
  hour: 'hour',
  day: 'day',
  week: 'week',
  month: 'month',
}
const KINDS: Readonly<Record<EventKind, string>> = {
  page_view: 'page views',
  feature: 'uses of a feature',
  timing: 'loading times',
  error: 'errors',
  device: 'starts of the app',
}

const code = (names: readonly string[]): string => listed(names.map((name) => `\`${name}\``))

/** One sentence on what a statistic counts. */
function counts(statistic: Statistic, site: Site | undefined): string {
  const who = site?.identity === 'network' ? 'devices' : 'people'
  const of = statistic.where.kind === undefined ? 'all events' : KINDS[statistic.where.kind]
  const { shape } = statistic
  switch (shape.type) {
    case 'live':
      return `How many ${who} are active right now, in steps and never exactly.`
    case 'histogram':
      return `How ${of} spread over the steps of \`${shape.field}\`${statistic.by.length > 0 ? `, by ${code(statistic.by)}` : ''}, as whole percentages.`
    case 'funnel':
      return `How many ${who} did these steps in order: ${listed(
        shape.steps.map(({ value }) => `\`${value}\``),
        'then',
      )}.`
    case 'retention':
      return `How many ${who} of each \`${shape.cohort}\` came back.`
    case 'counts': {
      const what = statistic.measures.includes('events') ? `${who} and events` : who
      const deeper = statistic.drill.length > 0 ? `, and deeper by ${code(statistic.drill)}` : ''
      return `How many ${what} there were among ${of}, by ${code(statistic.by)}${deeper}.`
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
    return statistic.drill.length > 0 ? 'Yes, but not yet deeper' : 'Yes'
  }
  if (windows.length === 0) return 'Not by this version'
  return `By the ${listed(windows)}; not yet by the ${listed(statistic.windows.filter((window) => !windows.includes(window)))}`
}

function thresholds(rulebook: Rulebook): readonly string[] {
  const { release } = rulebook
  const sites = Object.values(rulebook.sites)
  const signed = sites.some(({ identity }) => identity === 'signed')
  const network = sites.some(({ identity }) => identity === 'network')
  const exact = rulebook.statistics.filter(({ people }) => people === 'exact').map(({ title }) => title)
  return [
    ...(signed
      ? [
          `Each number covers at least ${counted(release.minUsers, 'person', 'people')} of at least ${counted(release.minTenants, 'company', 'companies')}, and still would without the largest of these companies.`,
          `No company is more than ${percent(release.maxShare)} of a number.`,
          'Only people of established customers count towards that; trials, tests and our own staff do not.',
        ]
      : []),
    ...(network
      ? [
          `Of sites without accounts each number covers at least ${counted(release.minUsers, 'device')} from at least ${counted(release.minNetworks, 'network')}. They are devices, not people.`,
        ]
      : []),
    `No single ${signed ? 'person' : 'device'} is more than ${percent(release.maxPersonShare)} of a number of events; of one ${signed ? 'person' : 'device'} at most ${counted(release.maxEventsPerPerson, 'event')} of a kind and day count.`,
    `Numbers of people are rounded down to steps of ${number(release.minUsers)}${exact.length > 0 ? `, but for ${listed(exact)}, where they are exact` : ''}.`,
    'A number that would not pass is added to others until it does, under the name `(other)`, or is not published at all.',
    'A number is computed once, when its period has ended, and never again.',
  ]
}

/** The statistics and what protects them. */
export function statisticBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = rulebook.statistics.map((statistic) => [
    statistic.title,
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
