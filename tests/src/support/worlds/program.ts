/**
 * The attacker's integer program, solved exactly by HiGHS (https://highs.dev): the least and the most people that a
 * group can have in any world that agrees with all facts.
 *
 * Whatever the solver calls a solution is rounded and proved in whole numbers here, so that "not pinned" rests on a
 * witness and never on the solver; "pinned" rests on the solver's proof that no better solution exists.
 */
import highs, { type Highs, type ModelData } from 'highs'
import { type Fact, factHolds, type Range } from './facts.js'
import { sizeOf, type Target } from './groups.js'
import { range } from './shape.js'
import { type Counts, type Space, tiesHold } from './space.js'

/** Everybody knows that a small world has no more people than this: the bound that alternatives need. */
export const MOST_PEOPLE = 200
/** A solve that is not over by then is an error, never an answer. */
const SOLVE_SECONDS = 120

/** The package's declarations are those of its CommonJS build; what an ES module imports is the loader itself. */
const loadHighs = highs as unknown as typeof highs.default

interface Row {
  readonly entries: ReadonlyMap<number, number>
  readonly least: number
  readonly most: number
}

/** The rows that say a range; with a switch they hold only where the switch is 1. */
function rowsOf({ columns, weights, least, most }: Range, on: number | null): Row[] {
  const entries = new Map(columns.map((column, index) => [column, weights?.[index] ?? 1]))
  if (on === null) return [{ entries, least, most }]
  const rows: Row[] = []
  if (least > 0) rows.push({ entries: new Map([...entries, [on, -least]]), least: 0, most: Infinity })
  if (most < Infinity) {
    const slack = MOST_PEOPLE * Math.max(...(weights ?? [1]))
    rows.push({ entries: new Map([...entries, [on, slack]]), least: -Infinity, most: most + slack })
  }
  return rows
}

export type Answer = { readonly counts: Counts; readonly size: number } | 'impossible'

export interface Goal {
  readonly targets: readonly { readonly target: Target; readonly weight: number }[]
  readonly sense: 'least' | 'most'
}

export class Program {
  readonly #highs: Highs
  readonly #space: Space
  readonly #facts: readonly Fact[]
  readonly #rows: Row[] = []
  #columns: number
  readonly #switches: number
  solves = 0

  static async load(): Promise<Highs> {
    return loadHighs()
  }

  constructor(highs: Highs, space: Space, facts: readonly Fact[]) {
    this.#highs = highs
    this.#space = space
    this.#facts = facts
    this.#columns = space.columns
    for (const { visitors, states } of space.classes) {
      const entries = new Map([
        ...visitors.map((column): [number, number] => [column, 1]),
        ...states.map(({ column }): [number, number] => [column, -1]),
      ])
      this.#rows.push({ entries, least: 0, most: 0 })
    }
    this.#rows.push({
      entries: new Map(range(space.visits).map((column) => [column, 1])),
      least: 0,
      most: MOST_PEOPLE,
    })
    for (const { alternatives } of facts) this.#addFact(alternatives)
    this.#switches = this.#columns - space.columns
  }

  #addFact(alternatives: Fact['alternatives']): void {
    const [only] = alternatives
    if (only !== undefined && alternatives.length === 1) {
      this.#rows.push(...only.flatMap((part) => rowsOf(part, null)))
      return
    }
    const switches = alternatives.map(() => this.#columns++)
    this.#rows.push({ entries: new Map(switches.map((column) => [column, 1])), least: 1, most: Infinity })
    for (const [index, ranges] of alternatives.entries()) {
      this.#rows.push(...ranges.flatMap((part) => rowsOf(part, switches[index] ?? null)))
    }
  }

  /** The facts that a world contradicts, in whole numbers. */
  wrong(counts: Counts): string[] {
    const names = this.#facts.filter((fact) => !factHolds(fact, counts)).map(({ name }) => name)
    return tiesHold(this.#space, counts) ? names : ['ties', ...names]
  }

  /** A world that makes the weighted sum of the targets' sizes least or most. */
  solve({ targets, sense }: Goal): Answer {
    this.solves++
    const extra: Row[] = []
    const costs = new Map<number, number>()
    const pay = (column: number, weight: number) => costs.set(column, (costs.get(column) ?? 0) + weight)
    let columns = this.#columns
    for (const { target, weight } of targets) {
      for (const column of target.columns ?? []) pay(column, weight)
      for (const { all, left, right } of target.overlaps) {
        const shared = columns++
        pay(shared, weight)
        extra.push(...overlapRows(shared, all, left, right))
      }
    }
    const model = this.#model(columns, [...this.#rows, ...extra], costs, sense)
    const found = this.#run(model)
    if (found === null) return 'impossible'
    const counts = Int32Array.from(found.slice(0, this.#space.columns), Math.round)
    if (this.wrong(counts).length > 0) throw new Error('The solver has found a world that is none.')
    const size = targets.reduce((total, { target, weight }) => {
      const { least, most } = sizeOf(target, counts)
      return total + weight * (sense === 'least' ? least : most)
    }, 0)
    return { counts, size }
  }

  #run(data: ModelData): Float64Array | null {
    const { modelStatus } = this.#highs.constants
    return this.#highs.withModel(data, (model) => {
      model.options.set({ output_flag: false, time_limit: SOLVE_SECONDS, mip_rel_gap: 0, mip_abs_gap: 0.5 })
      model.run()
      const status = model.getModelStatus()
      if (status === modelStatus.infeasible) return null
      if (status !== modelStatus.optimal) throw new Error(`The solver ended with status ${status}.`)
      return model.getSolution().colValue
    })
  }

  #model(columns: number, rows: readonly Row[], costs: ReadonlyMap<number, number>, sense: Goal['sense']): ModelData {
    const { objectiveSense, variableType } = this.#highs.constants
    const isSwitch = (column: number) =>
      column >= this.#space.columns && column < this.#space.columns + this.#switches
    const starts = [0]
    const indices: number[] = []
    const values: number[] = []
    for (const { entries } of rows) {
      for (const [column, value] of entries) {
        indices.push(column)
        values.push(value)
      }
      starts.push(indices.length)
    }
    const open = (bound: number) => (Number.isFinite(bound) ? bound : Math.sign(bound) * this.#highs.infinity)
    return {
      numCols: columns,
      numRows: rows.length,
      sense: sense === 'least' ? objectiveSense.minimize : objectiveSense.maximize,
      colCost: range(columns).map((column) => costs.get(column) ?? 0),
      colLower: range(columns).map(() => 0),
      colUpper: range(columns).map((column) => (isSwitch(column) ? 1 : MOST_PEOPLE)),
      rowLower: rows.map(({ least }) => open(least)),
      rowUpper: rows.map(({ most }) => open(most)),
      matrix: { format: 'csr', numRows: rows.length, numCols: columns, starts, indices, values },
      integrality: range(columns).map(() => variableType.integer),
    }
  }
}

/** shared ≥ left + right − all, and no more than either. */
function overlapRows(
  shared: number,
  all: readonly number[],
  left: readonly number[],
  right: readonly number[],
): Row[] {
  const entries = (parts: readonly (readonly [readonly number[], number])[]) => {
    const sums = new Map([[shared, 1]])
    for (const [columns, weight] of parts) {
      for (const column of columns) sums.set(column, (sums.get(column) ?? 0) + weight)
    }
    return sums
  }
  return [
    { entries: entries([[left, -1], [right, -1], [all, 1]]), least: 0, most: Infinity },
    { entries: entries([[left, -1]]), least: -Infinity, most: 0 },
    { entries: entries([[right, -1]]), least: -Infinity, most: 0 },
  ]
}
