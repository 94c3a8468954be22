/** The tables of docs/noise.md, reckoned from plans; a test keeps the page equal to them. */
import { epsilonOf } from '../accounting.js'
import { type NoiseBudget, noisePlan, type NoisePlanInput, plannedFor } from '../plan.js'
import { ERP_STATISTICS, site } from './sites.js'

const PEOPLE = [20, 200, 2_000, 20_000]
const DELTA = 1e-6

const laplace = (epsilon: number): NoiseBudget => ({ mechanism: 'laplace', epsilon, capPerYear: 1e6 })
const gaussian = (rho: number): NoiseBudget => ({ mechanism: 'gaussian', rho, delta: DELTA, capPerYear: 1e6 })

/** Pages by day, people and events: the least that a website wants to know. */
const PAGES = [
  {
    id: 'pages',
    shape: { type: 'counts' } as const,
    windows: ['day'],
    where: { kind: 'page_view' },
    drill: [],
    measures: ['users', 'events'],
  },
]
/** The shipped ERP statistics; `live` has no noise, and `time` would make events of pages public twice. */
const ERP = ERP_STATISTICS.filter(({ id }) => id !== 'live' && id !== 'time')

const SETUPS: readonly { readonly name: string; readonly statistics: NoisePlanInput['statistics'] }[] = [
  { name: 'pages alone', statistics: PAGES },
  { name: 'the ERP rulebook', statistics: ERP },
]
const NOISES: readonly { readonly name: string; readonly noise: NoiseBudget }[] = [
  { name: 'Laplace, epsilon 1', noise: laplace(1) },
  { name: 'Laplace, epsilon 5', noise: laplace(5) },
  { name: 'Gaussian, rho 0.05', noise: gaussian(0.05) },
  { name: 'Gaussian, rho 0.5', noise: gaussian(0.5) },
]

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, at) =>
    Math.max(3, title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  )
}

const number = (value: number) => value.toLocaleString('en-GB', { maximumFractionDigits: 0 })

/** 95 % of the noise of a group of so many people, as a share of them. */
function relative(people: number, halfWidth: number, tau: number): string {
  if (people < tau) return 'seldom shown'
  const percent = (100 * halfWidth) / people
  return `±${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`
}

function errorRows(caps: readonly number[]): string[][] {
  return SETUPS.flatMap(({ name, statistics }) =>
    caps.flatMap((cap) =>
      NOISES.map(({ name: noiseName, noise }) => {
        const plan = noisePlan({
          ...site(noise),
          statistics,
          maxEventsPerPerson: cap,
          membershipsPerPerson: cap,
        })
        const pages = plannedFor(plan, 'pages', 'day')
        const of = (measure: string) => pages?.numbers.find((one) => one.measure === measure)?.halfWidth ?? 0
        const tau = pages?.tau ?? 0
        return [
          name,
          `${cap}`,
          noiseName,
          `±${number(of('users'))}`,
          number(tau),
          `±${number(of('events'))}`,
          ...PEOPLE.map((people) => relative(people, of('users'), tau)),
        ]
      }),
    ),
  )
}

/** @returns tables by the name that their place on the page has */
export function noiseFigures(): Readonly<Record<string, string>> {
  const people = PEOPLE.map((count) => `${number(count)} people`)
  return {
    errors: table(
      ['site', 'cap', 'noise of a user-day', 'people', 'shown from', 'events', ...people],
      errorRows([20, 5]),
    ),
    years: table(
      [
        'rho of a day',
        'epsilon of a day',
        'rho of 365 days',
        'epsilon of 365 days',
        'epsilon of 365 days, delta 1e-9',
      ],
      [0.005, 0.015, 0.05, 0.5].map((rho) => [
        `${rho}`,
        epsilonOf(rho, DELTA).toFixed(2),
        (rho * 365).toFixed(2),
        epsilonOf(rho * 365, DELTA).toFixed(1),
        epsilonOf(rho * 365, 1e-9).toFixed(1),
      ]),
    ),
  }
}
