/** Learning which values of a field enough people used: names of events, roles, versions. Bounded, in memory only. */
import { DETECTORS } from '@tacit/rulebook'
import { Crowd, type Member, type Room, type Thresholds } from './census.js'
import { createScanner } from './scan/index.js'

export interface ValueLearner {
  /** One use of a value by one person. */
  saw(value: string, member: Member): void
  /** The values that enough people used and in which no detector finds anything, sorted. */
  learnt(): readonly string[]
}

export interface ValueLearnerOptions extends Thresholds {
  /** whether a value could be listed at all; others are not followed */
  readonly fits: (value: string) => boolean
  /** different values that are followed; 10,000 by default */
  readonly values?: number
}

const VALUES = 10_000
const MEMBERS = 1_000_000

/** Follows values and who used them. */
export function createValueLearner(options: ValueLearnerOptions): ValueLearner {
  const most = options.values ?? VALUES
  const room: Room = { left: MEMBERS }
  const crowds = new Map<string, Crowd>()
  return {
    saw(value, member) {
      let crowd = crowds.get(value)
      if (crowd === undefined) {
        if (crowds.size >= most || !options.fits(value)) return
        crowd = new Crowd()
        crowds.set(value, crowd)
      }
      crowd.add(member, options, room)
    },
    learnt() {
      const scanner = createScanner(DETECTORS)
      return [...crowds]
        .filter(([value, crowd]) => crowd.isEnough(options) && scanner.scan(value) === null)
        .map(([value]) => value)
        .toSorted()
    },
  }
}
