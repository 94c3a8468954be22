/**
 * The ledger of the privacy budget: what each noised release cost one person, and whether a year has room for it (INV-16).
 *
 *     ["budget", "erp", "day:2026-11-02"] → { release: "erp/day:2026-11-02", in: "rho", cost: "3/200", yearSum: "219/40", … }
 *
 * Invariants
 * - A row is written in the transaction that commits the manifests of its release, once, and never changed: there is no
 *   noised release without a row, and no row without a release. A second call for the same release adds nothing.
 * - In no 365 days do the rows whose epoch touches them cost more than the cap of the rulebook that writes the next one, in
 *   whatever order windows are released. Sums are exact fractions.
 * - A year that was charged in the other notion counts too: epsilon as epsilon²/2 of rho, rho as the epsilon that it is at
 *   its delta, rounded up.
 * - A ledger that lacks a row, or has one that does not read as it was written, has no room for anything (fail closed).
 * Recovery: the state store's.
 */
import { DAY, epochFromLabel, type Stream, TacitError } from '@tacit/contracts'
import {
  addRational,
  compareRational,
  epsilonOf,
  formatRational,
  type NoisePlan,
  parseRational,
  type Rational,
  rational,
  rationalToNumber,
  rhoOf,
} from '@tacit/disclosure'
import type { CommittedManifest } from './records.js'
import type { Key, StateStore } from './state-store.js'

/** Days of a year of the budget: it slides, and a leap year has one more than it. */
const YEAR_DAYS = 365

/** Converted costs are rounded up to such parts: what a number shows is never less than what it is. */
const PARTS = 1e12

/** What one release costs. */
export interface BudgetCharge {
  readonly site: string
  readonly stream: Stream
  /** label: the partition of staging that the release reads */
  readonly epoch: string
  readonly plan: NoisePlan
  /** statistics that are released of that epoch; what the plan says of others is not spent */
  readonly statistics: readonly string[]
}

/** What one number of a release cost, and how it was drawn; fractions as text. */
interface BudgetNumber {
  readonly statistic: string
  readonly window: string
  readonly measure: string
  /** depths of the tree at which it was drawn */
  readonly depths: number
  readonly l0: number
  readonly l1: number
  /** a square, which may be no safe integer */
  readonly l2Squared: string
  /** b of discrete Laplace, or σ² of discrete Gaussian noise */
  readonly parameter: string
  readonly cost: string
}

/** One noised release in the ledger; fractions as text. */
export interface BudgetRow {
  /** `<site>/<epoch label>` */
  readonly release: string
  readonly site: string
  /** epoch label */
  readonly partition: string
  readonly unit: 'user-day'
  readonly in: 'epsilon' | 'rho'
  /** of one person, over all numbers of the release */
  readonly cost: string
  /** chance, of one user-day, that it is seen in the existence of a cell */
  readonly delta: number
  readonly numbers: readonly BudgetNumber[]
  /** the most that any 365 days with this release in them cost when it was committed, itself included */
  readonly yearSum: string
  readonly capPerYear: string
}

/** Applied within the transaction that commits the manifests; throws where the release must not be. */
export type BudgetChange = (store: StateStore) => void

const WINDOWS: Readonly<Record<Stream, readonly string[]>> = {
  day: ['hour', 'day'],
  week: ['week'],
  month: ['month'],
}

const keyOf = (site: string, epoch: string): [string, string, string] => ['budget', site, epoch]
const countKey = (site: string): Key => ['budget-rows', site]

function refused(message?: string, cause?: unknown): TacitError {
  return new TacitError('ERR_RELEASE_BUDGET', message, { cause })
}

/** What later sums are made of is read strictly; the rest is for people. @throws RangeError */
function readRow(key: Key, value: unknown): BudgetRow {
  const row = value as BudgetRow
  const isWhole =
    JSON.stringify(keyOf(row.site, row.partition)) === JSON.stringify(key) &&
    row.release === `${row.site}/${row.partition}` &&
    (row.in === 'epsilon' || row.in === 'rho') &&
    row.delta > 0 &&
    row.delta < 1 &&
    // A cost that was changed no longer is what its numbers cost.
    row.cost === formatRational(sumOf(row.numbers.map(({ cost }) => parseRational(cost))))
  if (!isWhole) throw new RangeError('that is no row of the ledger')
  daysOf(row.partition)
  return row
}

/** Whole UTC days that an epoch has a part in, as days since the Unix epoch. */
function daysOf(epoch: string): { readonly first: number; readonly last: number } {
  const { end, start } = epochFromLabel(epoch)
  return { first: Math.floor(start / DAY), last: Math.ceil(end / DAY) - 1 }
}

const sumOf = (costs: readonly Rational[]) => costs.reduce(addRational, rational(0n))

const roundedUp = (value: number): Rational => rational(BigInt(Math.ceil(value * PARTS)), BigInt(PARTS))

/** A row's cost in the notion asked for. */
function costIn(row: BudgetRow, notion: BudgetRow['in']): Rational {
  const cost = parseRational(row.cost)
  if (row.in === notion) return cost
  const number = rationalToNumber(cost)
  return roundedUp(notion === 'rho' ? rhoOf(number) : epsilonOf(number, row.delta))
}

function numbersOf({ plan, statistics, stream }: BudgetCharge): BudgetRow['numbers'] {
  return plan.statistics
    .filter(({ statistic, window }) => WINDOWS[stream].includes(window) && statistics.includes(statistic))
    .flatMap(({ numbers, statistic, window }) =>
      numbers.map(({ cost, depths, measure, parameter, sensitivity: { l0, l1, l2Squared } }) => ({
        statistic,
        window,
        measure,
        depths,
        l0,
        l1,
        l2Squared: `${l2Squared}`,
        parameter: formatRational(parameter),
        cost: formatRational(cost),
      })),
    )
}

/**
 * The most that 365 days in a row cost which touch the days of `epoch`.
 * @param costs by their days
 */
function dearestYear(
  costs: readonly { readonly first: number; readonly last: number; readonly cost: Rational }[],
  { first, last }: { readonly first: number; readonly last: number },
): Rational {
  // A sum only grows where a row comes in, which is where a year ends with the first of its days.
  const earliest = first
  const latest = last + YEAR_DAYS - 1
  const ends = new Set([
    earliest,
    ...costs.map((one) => one.first).filter((day) => day > earliest && day <= latest),
  ])
  return [...ends]
    .map((end) => {
      const start = end - YEAR_DAYS + 1
      return sumOf(costs.filter((one) => one.first <= end && one.last >= start).map(({ cost }) => cost))
    })
    .reduce((most, sum) => (compareRational(sum, most) > 0 ? sum : most), rational(0n))
}

/**
 * The rows of a site, in the order of their labels.
 * @throws TacitError ERR_RELEASE_BUDGET where one is missing or does not read as it was written
 */
export function budgetRows(store: Pick<StateStore, 'get' | 'range'>, site: string): BudgetRow[] {
  try {
    const found = store.range(keyOf(site, ''), keyOf(site, '\uffff'))
    const rows = found.map(({ key, value }) => readRow(key, value))
    if (rows.length !== (store.get(countKey(site)) ?? 0)) throw new RangeError('rows are missing')
    return rows
  } catch (error) {
    throw refused('The ledger of the privacy budget cannot be read: nothing is released on it', error)
  }
}

function rowFor(charge: BudgetCharge, former: readonly BudgetRow[]): BudgetRow {
  const { epoch, plan, site } = charge
  const numbers = numbersOf(charge)
  const cost = sumOf(numbers.map((number) => parseRational(number.cost)))
  const own = { ...daysOf(epoch), cost }
  const others = former.map((row) => ({ ...daysOf(row.partition), cost: costIn(row, plan.in) }))
  return {
    release: `${site}/${epoch}`,
    site,
    partition: epoch,
    unit: plan.unit,
    in: plan.in,
    cost: formatRational(cost),
    delta: plan.delta,
    numbers,
    yearSum: formatRational(dearestYear([...others, own], own)),
    capPerYear: formatRational(plan.capPerYear),
  }
}

/**
 * Whether a year has room for a release, before it is computed. It is asked again when the release is committed.
 * @throws TacitError ERR_RELEASE_BUDGET where the ledger cannot be read
 */
export function hasBudget(store: Pick<StateStore, 'get' | 'range'>, charge: BudgetCharge): boolean {
  const rows = budgetRows(store, charge.site)
  if (rows.some(({ partition }) => partition === charge.epoch)) return true
  return compareRational(parseRational(rowFor(charge, rows).yearSum), charge.plan.capPerYear) <= 0
}

/**
 * Writes what releases cost into the ledger, in the transaction that commits them, or throws and nothing is committed.
 * @param charges one a site
 * @returns throws TacitError ERR_RELEASE_BUDGET where a year would cost more than its cap, or the ledger cannot be read
 */
export function budgetChange(charges: readonly BudgetCharge[]): BudgetChange {
  return (store) => {
    // Two rows of a site in one transaction would not see each other.
    if (new Set(charges.map(({ site }) => site)).size !== charges.length)
      throw refused('A site is charged once in a release')
    for (const charge of charges) {
      const rows = budgetRows(store, charge.site)
      if (rows.some(({ partition }) => partition === charge.epoch)) continue
      const row = rowFor(charge, rows)
      if (compareRational(parseRational(row.yearSum), parseRational(row.capPerYear)) > 0)
        throw refused('A year of this release would cost more than the rulebook allows')
      store.put(keyOf(charge.site, charge.epoch), row)
      store.put(countKey(charge.site), rows.length + 1)
    }
  }
}

/**
 * An error bar as the canonical text of a manifest has it. Text within a string has its quotes escaped: no value of a
 * dimension looks like this.
 */
const ERROR_BAR = /"(?:users|events|visits|time_s|share)_error":\d/

/**
 * Refuses manifests with noised cells whose release has no row; within the transaction, after the charges.
 * @throws TacitError ERR_RELEASE_BUDGET
 */
export function requireBudget(
  store: Pick<StateStore, 'get'>,
  epoch: string,
  manifests: readonly CommittedManifest[],
): void {
  for (const { id, text } of manifests) {
    // The id begins with its site (manifestId).
    const [site = ''] = id.split('/', 1)
    if (ERROR_BAR.test(text) && store.get(keyOf(site, epoch)) === undefined)
      throw refused('A noised release has no row in the ledger of the privacy budget')
  }
}

/** The ledger as others read it. */
export class Budget {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /** As {@link budgetRows}. */
  rows(site: string): BudgetRow[] {
    return budgetRows(this.#store, site)
  }

  /** As {@link hasBudget}. */
  hasRoom(charge: BudgetCharge): boolean {
    return hasBudget(this.#store, charge)
  }
}
