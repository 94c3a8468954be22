/**
 * Which positions belong to which hour, as runs: a run starts at the first position whose hour differs from the one
 * before it. Retention deletes whole runs, so it reads no record, and a record that arrives late for its hour (its
 * flush crossed the hour's end) goes when its own hour goes.
 *
 * Invariants: runs are in order of `first`; a sealed run takes no more records; beyond `MAX_RUNS` only a later hour
 * opens a run.
 */
export interface Run {
  /** first position of the run */
  readonly first: number
  /** hour of receipt, ms */
  readonly hour: number
}

/** 24 hours make 25 runs, and each hour's end a few more; only a caller that shuffles hours comes near this. */
export const MAX_RUNS = 50_000

export class HourRuns {
  #runs: Run[]
  #sealed = false

  /** @param runs in order of `first` */
  constructor(runs: readonly Run[] = []) {
    this.#runs = [...runs]
  }

  get size(): number {
    return this.#runs.length
  }

  /**
   * The run that a record at `position` opens; null where it continues the last one. Beyond `MAX_RUNS` a record of an
   * earlier hour joins the last run: kept longer, never shorter.
   */
  opens(position: number, hour: number): Run | null {
    const last = this.#runs.at(-1)
    if (last && !this.#sealed && (last.hour === hour || (this.#runs.length >= MAX_RUNS && hour < last.hour)))
      return null
    return { first: position, hour }
  }

  /** Adds a run after all others. */
  add(run: Run): void {
    this.#runs.push(run)
    this.#sealed = false
  }

  /** The next record opens a run of its own, whatever its hour. */
  seal(): void {
    this.#sealed = true
  }

  /** Forgets the runs from `position` on: their records were refused. */
  truncate(position: number): void {
    while ((this.#runs.at(-1)?.first ?? -1) >= position) this.#runs.pop()
  }

  /** The first run whose hour is before `hour`, with the position after its last one; null where there is none. */
  firstBefore(hour: number, next: number): { run: Run; end: number } | null {
    const at = this.#runs.findIndex((run) => run.hour < hour)
    const run = this.#runs[at]
    return run ? { run, end: this.#runs[at + 1]?.first ?? next } : null
  }

  /** Forgets a run whose records are all deleted. */
  remove(run: Run): void {
    this.#runs = this.#runs.filter((other) => other.first !== run.first)
  }
}
