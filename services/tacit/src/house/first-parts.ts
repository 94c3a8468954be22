/** What the texts of a first rulebook are made of. */
import type { EventsLearnt } from './event-study.js'

export interface FirstOptions {
  readonly name: string
  readonly site: string
  /** a bare https origin */
  readonly origin: string
  readonly minUsers: number
  readonly region: string
  /** version of the public privacy policy, a date */
  readonly policy: string
  /** the day of writing, ms since the Unix epoch */
  readonly today: number
}

/** What the files are filled with. */
export interface FirstContent {
  readonly routes: readonly string[]
  readonly events: EventsLearnt
  /** where it comes from, in the files' own comments */
  readonly from: 'log' | 'nothing'
}

/** The parts of the texts that both kinds of rulebooks share. */
export interface FirstParts extends FirstOptions, FirstContent {
  readonly effective: string
  readonly expires: string
  readonly version: string
  /** what a path of no route becomes */
  readonly otherwise: string
  /** lines of `examples` */
  readonly examples: string
}

/** A text as YAML reads it, whatever it holds. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
