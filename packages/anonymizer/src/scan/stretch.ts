/** A stretch of groups of letters and digits, as the checks of identifiers see it. */
import type { Candidate } from './identifiers.js'
import { lettersOf, NONE, type Runs, type Separator } from './runs.js'

const NO_RUNS: Runs = { text: '', places: [], starts: [0], separators: [NONE], digits: [0] }

/** A candidate of runs, without a copy of anything; one serves for all. */
export class Stretch implements Candidate {
  #runs = NO_RUNS
  #first = 0
  #last = 0
  #from = 0
  #to = 0
  #text = ''

  /** Groups `first` to `last`, cut to what lies from one offset to another. */
  set(runs: Runs, first: number, last: number, from: number, to: number): this {
    this.#runs = runs
    this.#first = first
    this.#last = last
    this.#from = from
    this.#to = to
    this.#text = ''
    return this
  }

  /** Forgets the text it stands for. */
  clear(): void {
    this.set(NO_RUNS, 0, 0, 0, 0)
  }

  get text(): string {
    if (this.#text === '') {
      this.#text = lettersOf(this.#runs, this.#first, this.#last, this.#from, this.#to)
    }
    return this.#text
  }

  get opening(): number {
    const { places, starts, text } = this.#runs
    const within = this.#from - (starts[this.#first] as number)
    return text.charCodeAt((places[this.#first] as number) + within)
  }

  get groups(): number {
    return this.#last - this.#first + 1
  }

  lengthOf(group: number): number {
    const { starts } = this.#runs
    const at = this.#first + group
    return Math.min(starts[at + 1] as number, this.#to) - Math.max(starts[at] as number, this.#from)
  }

  separatorBefore(group: number): Separator {
    return this.#runs.separators[this.#first + group] as Separator
  }
}
