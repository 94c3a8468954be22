/**
 * Sample traffic of an ERP: a month of beacons in the order in which a collector would receive them, the same for
 * the same options. Everything in it is made up: no person, tenant or address of it exists.
 */
import { DAY, TacitError } from '@tacit/contracts'
import { type SampleDay, sampleDays, visitTime } from './calendar.js'
import { type Person, samplePeople } from './people.js'
import { Random } from './random.js'
import { playVisit, type SampleBeacon } from './visit.js'
import { walksOf } from './walk.js'

export type { SampleBeacon } from './visit.js'

export interface SampleOptions {
  /** a whole number; the same seed gives the same traffic */
  readonly seed: number
  readonly tenants: number
  /** people over all tenants; at least one each */
  readonly users: number
  readonly days: number
  /** end of the last day: a UTC midnight, ms since the Unix epoch, exclusive */
  readonly end: number
  readonly site: string
  /** value of the Origin header */
  readonly origin: string
  /** the policy version that most people agreed to */
  readonly policy: string
}

/** A month of a middling ERP, in whole weeks, so that each can be compared with the one before: about half a million events. */
export const SAMPLE_DEFAULTS = { seed: 1, tenants: 40, users: 2_000, days: 35 } as const

const LIMITS = { tenants: 1_000, users: 200_000, days: 400 } as const
/** Mean visits of an active person and day. */
const VISITS = 1.65
/** The product is used a little more with every week. */
const GROWTH = 0.16

function checkOptions({ seed, tenants, users, days, end }: SampleOptions): void {
  const refuse = (what: string) => {
    throw new TacitError('ERR_CONFIG_INVALID', what)
  }
  const within = (value: number, limit: number) => Number.isSafeInteger(value) && value >= 1 && value <= limit
  if (!Number.isSafeInteger(seed)) refuse('The seed of sample traffic is a whole number')
  if (!within(tenants, LIMITS.tenants)) refuse(`Sample traffic has 1 to ${LIMITS.tenants} tenants`)
  if (!within(users, LIMITS.users)) refuse(`Sample traffic has 1 to ${LIMITS.users} users`)
  if (users < tenants) refuse('Sample traffic has at least one user a tenant')
  if (!within(days, LIMITS.days)) refuse(`Sample traffic has 1 to ${LIMITS.days} days`)
  if (!Number.isSafeInteger(end) || end % DAY !== 0) refuse('Sample traffic ends at a UTC midnight')
}

/** Whether the person looks in at all today, and how often. */
function visitsOf(person: Person, index: number, day: SampleDay, random: Random): number {
  if (index < person.joins || index >= person.leaves) return 0
  const chance = person.activity * day.busy * (1 - GROWTH / 2 + GROWTH * day.progress)
  if (!random.chance(chance)) return 0
  return 1 + Math.floor(random.exponential(VISITS - 0.5, 6))
}

/**
 * Beacons of `days` days before `end`, by time of receipt. One day is held in memory at a time.
 * @throws TacitError ERR_CONFIG_INVALID for options out of bounds
 */
export function* sampleTraffic(options: SampleOptions): Generator<SampleBeacon, void, undefined> {
  checkOptions(options)
  const { seed, site, days, end } = options
  const people = samplePeople({ ...options, start: end - days * DAY })
  for (const [index, day] of sampleDays(days, end).entries()) {
    const random = Random.of(seed, `day/${index}`)
    const walks = walksOf(day)
    const beacons: SampleBeacon[] = []
    for (const person of people) {
      const visits = visitsOf(person, index, day, random)
      for (let visit = 0; visit < visits; visit += 1) {
        playVisit(site, person, day, walks[person.role], visitTime(day, random), random, beacons)
      }
    }
    beacons.sort((left, right) => left.time - right.time)
    yield* beacons
  }
}
