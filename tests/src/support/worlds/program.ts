/**
 * The attacker's integer program, solved exactly by HiGHS (https://highs.dev): the least and the most people that a
 * group can have in any world that agrees with all facts.
 *
 * Whatever the solver calls a solution is rounded and proved in whole numbers here, so that "not pinned" rests on a
 * witness and never on the solver; "pinned" rests on the solver's proof that no better solution exists.
 */
import highsModule, { type Highs, type ModelData } from 'highs'
import { type Fact, factHolds, type Range } from './facts.js'
import { sizeOf, type Target } from './groups.js'
import { range } from './shape.js'
import { type Counts, type Space, tiesHold } from './space.js'

/** Everybody knows that a small world has no more people than this: the bound that alternatives need. */
export const MOST_PEOPLE = 200
/** A solve that is not over by then is an error, never an answer. */
const SOLVE_SECONDS = 1_800
/** Relative gap at which a rough solve may stop. */
const ROUGHLY = 0.4

/** The package's declarations are those of its CommonJS build; what an ES module imports is the loader itself. */
const loadHighs = highsModule as unknown as typeof highsModule.default

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
  readonly enough?: number
  readonly rough?: boolean
}

export class Program {
  readonly #highs: Highs
  readonly #space: Space
  readonly #facts: readonly Fact[]
  readonly #rows: Row[] = []
  #columns: number
  readonly #switches: number
  readonly #kinds: Int32Array
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
    // A switch is never one with another column.
    const apart = Array.from({ length: this.#switches }, (_, index) => ({
      entries: new Map([[space.columns + index, 1]]),
    }))
    this.#kinds = merge(this.#columns, [...this.#rows, ...apart], new Int32Array(this.#columns)).place
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

  /**
   * A world that makes the weighted sum of the targets' sizes least or most; as good as `enough` is good enough.
   * @param rough any good world will do
   */
  solve({ enough, rough, sense, targets }: Goal): Answer {
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
    const merged = merge(columns, [...extra, { entries: costs }], this.#kinds)
    const model = this.#model(merged, [...this.#rows, ...extra], costs, sense)
    const found = this.#run(model, rough === true ? ROUGHLY : 0, enough)
    if (found === null) return 'impossible'
    const counts = new Int32Array(this.#space.columns)
    for (const [place, column] of merged.first.entries()) {
      if (column < counts.length) counts[column] = Math.round(found[place] ?? 0)
    }
    if (this.wrong(counts).length > 0) throw new Error('The solver has found a world that is none.')
    const size = targets.reduce((total, { target, weight }) => {
      const { least, most } = sizeOf(target, counts)
      return total + weight * (sense === 'least' ? least : most)
    }, 0)
    return { counts, size }
  }

  #run(data: ModelData, gap: number, enough: number | undefined): Float64Array | null {
    const { modelStatus } = this.#highs.constants
    return this.#highs.withModel(data, (model) => {
      model.options.set({ output_flag: false, time_limit: SOLVE_SECONDS, mip_rel_gap: gap, mip_abs_gap: 0.5 })
      if (enough !== undefined) model.options.set('objective_target', enough)
      model.run()
      const status = model.getModelStatus()
      if (status === modelStatus.infeasible) return null
      if (status !== modelStatus.optimal && status !== modelStatus.objectiveTarget) {
        throw new Error(`The solver ended with status ${status}.`)
      }
      return model.getSolution().colValue
    })
  }

  /** The program over columns that differ: those with the same part in every row are one. */
  #model(
    { first, place }: Merged,
    rows: readonly Row[],
    costs: ReadonlyMap<number, number>,
    sense: Goal['sense'],
  ): ModelData {
    const { objectiveSense, variableType } = this.#highs.constants
    const isSwitch = (column: number) =>
      column >= this.#space.columns && column < this.#space.columns + this.#switches
    const starts = [0]
    const indices: number[] = []
    const values: number[] = []
    for (const { entries } of rows) {
      for (const [column, value] of entries) {
        const at = place[column] ?? 0
        if (first[at] !== column || value === 0) continue
        indices.push(at)
        values.push(value)
      }
      starts.push(indices.length)
    }
    const open = (bound: number) => (Number.isFinite(bound) ? bound : Math.sign(bound) * this.#highs.infinity)
    return {
      numCols: first.length,
      numRows: rows.length,
      sense: sense === 'least' ? objectiveSense.minimize : objectiveSense.maximize,
      colCost: first.map((column) => costs.get(column) ?? 0),
      colLower: first.map(() => 0),
      colUpper: first.map((column) => (isSwitch(column) ? 1 : MOST_PEOPLE)),
      rowLower: rows.map(({ least }) => open(least)),
      rowUpper: rows.map(({ most }) => open(most)),
      matrix: { format: 'csr', numRows: rows.length, numCols: first.length, starts, indices, values },
      integrality: first.map(() => variableType.integer),
    }
  }
}

interface Merged {
  /** place of each column */
  readonly place: Int32Array
  /** a column of each place: the one that stands for all there */
  readonly first: readonly number[]
}

/** Parts columns by what they are in each row. @param kinds what they were parted by before; columns beyond it are new */
function merge(columns: number, rows: readonly Pick<Row, 'entries'>[], kinds: Int32Array): Merged {
  let place = new Int32Array(columns)
  for (let column = 0; column < columns; column++) place[column] = kinds[column] ?? -1 - column
  for (const { entries } of rows) {
    const known = new Map<string, number>()
    const next = new Int32Array(columns)
    for (let column = 0; column < columns; column++) {
      const key = `${place[column] ?? 0} ${entries.get(column) ?? 0}`
      const kind = known.get(key) ?? known.size
      known.set(key, kind)
      next[column] = kind
    }
    place = next
  }
  const first: number[] = []
  for (let column = columns - 1; column >= 0; column--) first[place[column] ?? 0] = column
  return { place, first }
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
    {
      entries: entries([
        [left, -1],
        [right, -1],
        [all, 1],
      ]),
      least: 0,
      most: Infinity,
    },
    { entries: entries([[left, -1]]), least: -Infinity, most: 0 },
    { entries: entries([[right, -1]]), least: -Infinity, most: 0 },
  ]
}
