/**
 * Decide and transform, without the edge and without the disk: µs of CPU an event of the ERP rulebook on one core, at
 * 95 % cache hits and cold, and what each step takes of it.
 *
 * Warm: 400 beacons of sample traffic go round; of each twenty beacons one is somebody's first of these 15 minutes,
 * with a path, a user agent and a person that no cache knows. Cold: every beacon is such a one.
 */
import { randomBytes } from 'node:crypto'
import {
  type AnonymizerInput,
  compileAnonymizer,
  compileDecision,
  compileDimensions,
  compileEventScan,
  createUserAgentReader,
  type EventContext,
  Identities,
  MAX_RAW_AGE_MS,
  NO_PERSON,
  type PeekKey,
  parseAddress,
  type RecordSink,
  type UserAgent,
  type UserAgentReader,
} from '@tacit/anonymizer'
import { type Clock, DAY, epochOf, HOUR, rfc3339, type TokenClaims } from '@tacit/contracts'
import { createPseudonymizer, type Pseudonymizer } from '@tacit/keyring'
import { type Rulebook, storedPlans } from '@tacit/rulebook'
import { compileOptions } from '../house/countries.js'
import { sampleTraffic } from '../sample/traffic.js'

const POOL = 400
const BEACONS = 40_000
const NEW_EVERY = 20
const ROUNDS = 3
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'

export interface TransformBench {
  readonly rulebook: string
  readonly events: number
  /** µs of CPU an event, median of the rounds */
  readonly warm_us: number
  readonly cold_us: number
  /** share of beacons whose raw values were all cached */
  readonly hit_share: number
  /** µs of CPU an event, warm, each step on its own */
  readonly steps: Readonly<Record<string, number>>
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

function cpuUs(): number {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** Keys made here and used by nobody else. */
function throwawayKeys(): PeekKey {
  const keys = new Map<string, Pseudonymizer>()
  return (_stream, epoch, scope) => {
    const name = scope.of === 'tenant' ? scope.tenant : scope.of
    const label = `${epoch} ${name}`
    let key = keys.get(label)
    if (key === undefined) {
      key = createPseudonymizer(randomBytes(32))
      keys.set(label, key)
    }
    return key
  }
}

/** Beacons of two events that the rulebook accepts. */
function pool(setting: Setting): AnonymizerInput[] {
  const { now, rulebook } = setting
  const isAccepted = acceptance(setting)
  const site = Object.values(rulebook.sites)[0]
  if (site === undefined) throw new TypeError('a rulebook has a site')
  const origin = site.origins[0] ?? ''
  const policy = rulebook.policy.version
  const consent = { analytics: 'granted', policy, at: rfc3339(now - HOUR) }
  const inputs: AnonymizerInput[] = []
  const claimsOf = new Map<TokenClaims, TokenClaims>()
  const end = now - (now % DAY)
  for (const sample of sampleTraffic({
    seed: 7,
    tenants: 40,
    users: 2_000,
    days: 20,
    end,
    site: site.id,
    origin,
    policy,
  })) {
    if (inputs.length >= POOL) break
    const events = sample.body.events.filter(({ path }) => path !== undefined).slice(0, 2)
    const [first] = events
    if (first === undefined || sample.claims.adult !== true) continue
    const claims = claimsOf.get(sample.claims) ?? { ...sample.claims, region: site.region, consent }
    claimsOf.set(sample.claims, claims)
    const input: AnonymizerInput = {
      source: 'beacon',
      beacon: {
        ...sample.body,
        events: [first, events[1] ?? first].map((event) => ({ ...event, age: event.age % 10_000 })),
      },
      address: parseAddress(sample.ip),
      userAgent: sample.headers['user-agent'] ?? '',
      origin,
      gpc: false,
      dnt: false,
      token: { state: 'valid', claims },
      person: NO_PERSON,
      allowance: 2,
    }
    if (isAccepted(input)) inputs.push(input)
  }
  return inputs
}

let made = 0

/** The same beacon of a person, on a page and with an agent that no cache has met. */
function asNew(input: AnonymizerInput): AnonymizerInput {
  made += 1
  const { token } = input
  if (token.state !== 'valid') return input
  return {
    ...input,
    beacon: {
      ...input.beacon,
      events: input.beacon.events.map((event) => ({
        ...event,
        path: `/customers/${String(100_000 + made)}/invoice/INV-${String(made)}`,
      })),
    },
    userAgent: `${input.userAgent} build/${String(made)}`,
    token: { state: 'valid', claims: { ...token.claims, sub: `person-${String(made)}` } },
  }
}

function stream(warm: readonly AnonymizerInput[], newEvery: number): AnonymizerInput[] {
  return Array.from({ length: BEACONS }, (_, at) => {
    const input = warm[(at * 7) % warm.length] as AnonymizerInput
    return at % newEvery === 0 ? asNew(input) : input
  })
}

const IGNORE: RecordSink = {
  row() {},
  accepted() {},
  dropped() {},
  removedProps() {},
  detected() {},
}

/** Whether the rulebook lets every event of a beacon through. */
function acceptance(setting: Setting): (input: AnonymizerInput) => boolean {
  const anonymizer = compileAnonymizer(
    setting.rulebook,
    compileOptions(setting.rulebook, agentsOf(setting), setting.clock),
  )
  const peek = throwawayKeys()
  return (input) => {
    let dropped = 0
    anonymizer.process(input, setting.now, peek, { ...IGNORE, dropped: () => dropped++ })
    return dropped === 0
  }
}

/** A sink that fails the run where an event is not accepted: a dropped one would make the figure too good. */
function strictSink(): RecordSink {
  return {
    ...IGNORE,
    dropped(_hour, reason) {
      throw new Error(`the benchmark's event was dropped: ${reason}`)
    },
  }
}

/** µs an event of what `work` does for each beacon. */
function timed(inputs: readonly AnonymizerInput[], work: (input: AnonymizerInput) => void): number {
  const before = cpuUs()
  for (const input of inputs) work(input)
  return (cpuUs() - before) / (inputs.length * 2)
}

/** @param run primes what it measures, and says how a beacon is worked on */
function measure(
  warm: readonly AnonymizerInput[],
  newEvery: number,
  run: () => (input: AnonymizerInput) => void,
): number {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const work = run()
    for (const input of warm) work(input)
    const inputs = stream(warm, newEvery)
    rounds.push(timed(inputs, work))
  }
  return Number(median(rounds).toFixed(2))
}

interface Setting {
  readonly rulebook: Rulebook
  readonly clock: Clock
  readonly now: number
}

function agentsOf({ clock }: Setting): UserAgentReader {
  return createUserAgentReader({ maxEntries: 20_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
}

function wholeWay(setting: Setting): (input: AnonymizerInput) => void {
  const { clock, now, rulebook } = setting
  const anonymizer = compileAnonymizer(rulebook, {
    ...compileOptions(rulebook, agentsOf(setting), clock),
    plans: storedPlans(rulebook),
  })
  const peek = throwawayKeys()
  const sink = strictSink()
  return (input) => {
    anonymizer.process(input, now, peek, sink)
  }
}

type Step = (setting: Setting) => (input: AnonymizerInput) => void

/** @param agent stands for the beacon's own, which has a step of its own */
function contextOf(input: AnonymizerInput, agent: UserAgent): EventContext {
  const claims = input.token.state === 'valid' ? input.token.claims : null
  return { event: null, beacon: input.beacon, claims, agent, address: input.address }
}

/** What the harness itself costs: it is taken off every other figure of a step. */
const NOTHING: Step = () => (input) => {
  for (const event of input.beacon.events) if (event.age < 0) throw new Error('an age is never negative')
}

const STEPS: Readonly<Record<string, Step>> = {
  'user agent': (setting) => {
    const agents = agentsOf(setting)
    return (input) => void agents(input.userAgent)
  },
  decide: ({ now, rulebook }) => {
    const site = Object.values(rulebook.sites)[0]
    const decision = compileDecision(rulebook, site as NonNullable<typeof site>)
    return (input) => {
      const { dnt, gpc, origin, person, source, token } = input
      decision({ source, origin, gpc, dnt, token, person, bot: false, consent: input.beacon.consent }, now)
    }
  },
  scan: (setting) => {
    const scan = compileEventScan(setting.rulebook, setting.clock)
    const agent = agentsOf(setting)(CHROME)
    return (input) => {
      const context = contextOf(input, agent)
      for (const event of input.beacon.events) {
        context.event = event
        scan(context)
      }
    }
  },
  pseudonyms: ({ clock, now }) => {
    const identities = new Identities(clock)
    const peek = throwawayKeys()
    const { label } = epochOf('day', now)
    return ({ beacon, token }) => {
      if (token.state !== 'valid') return
      const { claims } = token
      const person = identities.resolve(
        { identity: 'signed', claims, scope: { of: 'tenant', tenant: claims.tenant } },
        'day',
        label,
        peek,
      )
      if (person.state === 'known') for (const event of beacon.events) person.own.eventId(event.id)
    }
  },
}

/** One step for each dimension that the ERP's statistics read. */
function dimensionSteps({ rulebook }: Setting): Readonly<Record<string, Step>> {
  const names = storedPlans(rulebook).flatMap(({ dimensions }) => dimensions)
  return Object.fromEntries(
    names.map((name): [string, Step] => [
      name,
      (setting) => {
        const agents = agentsOf(setting)
        const options = compileOptions(rulebook, agents, setting.clock)
        const [dimension] = compileDimensions(rulebook, [name], options).dimensions
        const agent = agents(CHROME)
        return (input) => {
          const context = contextOf(input, agent)
          for (const event of input.beacon.events) {
            context.event = event
            if (dimension?.quoted(context) === '') throw new Error('a column is never empty JSON')
          }
        }
      },
    ]),
  )
}

/** Measures decide + transform. @param say told what is being measured */
export function benchTransform(rulebook: Rulebook, say: (what: string) => void): TransformBench {
  const now = Date.now()
  const setting: Setting = { rulebook, clock: { now: () => now }, now }
  const warm = pool(setting)
  say('warm')
  const warmUs = measure(warm, NEW_EVERY, () => wholeWay(setting))
  say('cold')
  const coldUs = measure(warm, 1, () => wholeWay(setting))
  const steps: Record<string, number> = {}
  const idle = measure(warm, NEW_EVERY, () => NOTHING(setting))
  for (const [name, step] of Object.entries({ ...STEPS, ...dimensionSteps(setting) })) {
    say(name)
    steps[name] = Number((measure(warm, NEW_EVERY, () => step(setting)) - idle).toFixed(2))
  }
  return {
    rulebook: rulebook.hash,
    events: BEACONS * 2,
    warm_us: warmUs,
    cold_us: coldUs,
    hit_share: 1 - 1 / NEW_EVERY,
    steps,
  }
}
