/**
 * Studying a log for `rules init`: which paths, events and roles enough people used.
 *
 * Invariants
 * - Only what the decision lets pass is learnt from: no consent, GPC, an objection or a crawler means that a line is
 *   counted by its reason and forgotten. The decision is that of the very rulebook that will be written.
 * - Nothing is written anywhere, and nothing leaves but values that the thresholds let pass, and counts.
 */
import { classifyLine, splitTarget } from '@tacit/access-log'
import {
  type Address,
  type AddressParser,
  type ClientAddressReader,
  compileDecision,
  createUserAgentReader,
  type DecisionFacts,
  identityAddress,
  identityNetwork,
  type LearntRoutes,
  MAX_RAW_AGE_MS,
  readSignals,
  type TokenResult,
} from '@tacit/anonymizer'
import { type Beacon, type Reason, shownReason, systemClock, tokenClaims } from '@tacit/contracts'
import type { Rulebook, Site } from '@tacit/rulebook'
import { type EventsLearnt, type Learner, createLearner } from './event-study.js'
import { readLineBatches } from './lines.js'
import { bodyOf, createItemReader, headerOf, type LogItem } from './log-items.js'

/** Whose log it is: people who are signed in, or devices of a public site. */
export type LogKind = 'erp' | 'website'

export interface StudyOptions {
  /** a rulebook of each kind that may be learnt, with one site: it decides who is learnt from */
  readonly rulebooks: Readonly<Partial<Record<LogKind, Rulebook>>>
  readonly parseAddress: AddressParser
  readonly clientAddress: ClientAddressReader
}

/** What a log taught. */
export interface Study {
  readonly kind: LogKind
  readonly lines: number
  /** page views and events that were learnt from */
  readonly used: number
  /** lines and events that were not, by reason; `other_identity`: of people of the other kind, who were fewer */
  readonly skipped: Readonly<Record<string, number>>
  readonly people: number
  readonly routes: LearntRoutes
  readonly events: EventsLearnt
}

const AGENTS = 20_000
const SIGNED_BY_NOBODY: TokenResult = { state: 'missing' }

interface Side {
  readonly kind: LogKind
  readonly site: Site
  readonly assets: 'drop' | 'count'
  readonly decide: (facts: DecisionFacts, now: number) => Reason | null
  readonly learner: Learner
  readonly skipped: Map<string, number>
  used: number
}

type Who = { readonly person: string; readonly group: string }

/** Reads log files and learns from them. Lines of signed people and of devices are learnt from apart. */
export class LogStudy {
  readonly #options: StudyOptions
  readonly #sides: readonly Side[]
  readonly #agents = createUserAgentReader({
    maxEntries: AGENTS,
    maxAgeMs: MAX_RAW_AGE_MS,
    clock: systemClock,
  })
  readonly #skipped = new Map<string, number>()
  #lines = 0
  #accessLines = 0

  constructor(options: StudyOptions) {
    this.#options = options
    const { erp, website } = options.rulebooks
    this.#sides = [
      ...(erp === undefined ? [] : [newSide('erp', erp)]),
      ...(website === undefined ? [] : [newSide('website', website)]),
    ]
  }

  /**
   * Reads the files one after the other.
   * @param onProgress bytes and lines read so far
   * @throws TacitError ERR_INPUT_FILE
   */
  async read(files: readonly string[], onProgress: (bytes: number, lines: number) => void): Promise<void> {
    let bytes = 0
    for (const file of files) {
      const reader = createItemReader(null)
      const more = (read: number): void => {
        bytes += read
      }
      for await (const lines of readLineBatches(file, more)) {
        for (const line of lines) for (const item of reader.push(line)) this.#take(item)
        onProgress(bytes, this.#lines)
      }
      for (const item of reader.flush()) this.#take(item)
    }
  }

  /** What was learnt of the kind of people that there are more of; null where not a line could be learnt from. */
  result(): Study | null {
    const [main, ...others] = this.#sides.toSorted(
      (a, b) => b.learner.people - a.learner.people || b.used - a.used,
    )
    if (main === undefined || main.used === 0) return null
    const skipped = this.skipped(main.kind)
    const ofOthers = others.reduce((sum, side) => sum + side.used + total(side.skipped), 0)
    return {
      kind: main.kind,
      lines: this.#lines,
      used: main.used,
      skipped:
        ofOthers === 0
          ? skipped
          : { ...skipped, other_identity: ofOthers + (skipped['other_identity'] ?? 0) },
      people: main.learner.people,
      routes: main.learner.routes(),
      events: main.learner.events(),
    }
  }

  /** What was not learnt from, by reason; all choices of people are one. */
  skipped(kind?: LogKind): Readonly<Record<string, number>> {
    const sides = kind === undefined ? this.#sides : this.#sides.filter((side) => side.kind === kind)
    const sums: Record<string, number> = {}
    for (const counts of [this.#skipped, ...sides.map(({ skipped }) => skipped)]) {
      for (const [reason, count] of counts) sums[reason] = (sums[reason] ?? 0) + count
    }
    return sums
  }

  get lines(): number {
    return this.#lines
  }

  /** Those of an access log: they say nothing of who is signed in. */
  get accessLines(): number {
    return this.#accessLines
  }

  #side(kind: LogKind): Side | undefined {
    return this.#sides.find((side) => side.kind === kind)
  }

  #take(item: LogItem | null): void {
    this.#lines += 1
    if (item === null) skip(this.#skipped, 'line.unparsable', 1)
    else if (item.from === 'line') this.#takeLine(item)
    else this.#takeBeacon(item)
  }

  #takeLine(line: LogItem & { readonly from: 'line' }): void {
    this.#accessLines += 1
    const side = this.#side('website')
    if (side === undefined) {
      skip(this.#skipped, 'other_identity', 1)
      return
    }
    const facts: DecisionFacts = {
      source: 'line',
      origin: null,
      gpc: false,
      dnt: false,
      token: SIGNED_BY_NOBODY,
      person: {},
      bot: this.#agents(line.userAgent).bot,
      consent: undefined,
    }
    const who = device(this.#options.parseAddress(line.address), line.userAgent)
    const reason = classifyLine(line, side.assets) ?? side.decide(facts, line.time)
    if (reason !== null || who === null) {
      skip(side.skipped, shownReason(reason ?? 'rule_failed'), 1)
      return
    }
    side.used += 1
    side.learner.sawPage(splitTarget(line.target), who.person, who.group)
  }

  #takeBeacon(line: LogItem & { readonly from: 'beacon' }): void {
    const beacon = bodyOf(line)
    if (beacon === null) {
      skip(this.#skipped, 'line.unparsable', 1)
      return
    }
    const side = this.#side(line.claims === null ? 'website' : 'erp')
    if (side === undefined) {
      skip(this.#skipped, 'other_identity', beacon.events.length)
      return
    }
    const claims = line.claims === null ? null : tokenClaims.safeParse(line.claims)
    const token: TokenResult =
      claims === null
        ? SIGNED_BY_NOBODY
        : claims.success
          ? { state: 'valid', claims: claims.data }
          : { state: 'forged' }
    const userAgent = headerOf(line.rawHeaders, 'user-agent') ?? ''
    const reason = this.#refusal(side, beacon, line, token, userAgent)
    const who =
      token.state === 'valid'
        ? { person: JSON.stringify([token.claims.tenant, token.claims.sub]), group: token.claims.tenant }
        : device(this.#options.clientAddress(line.ip, line.rawHeaders), userAgent)
    if (reason !== null || who === null) {
      skip(side.skipped, reason ?? 'rule_failed', beacon.events.length)
      return
    }
    side.used += beacon.events.length
    const role = token.state === 'valid' ? token.claims.role : undefined
    for (const event of beacon.events) side.learner.sawEvent(event, role, who.person, who.group)
  }

  /** Why a beacon is not learnt from, or null. Which page sent it does not matter here. */
  #refusal(
    side: Side,
    beacon: Beacon,
    line: LogItem & { readonly from: 'beacon' },
    token: TokenResult,
    userAgent: string,
  ): string | null {
    if (beacon.site !== side.site.id) return 'unknown_site'
    const facts: DecisionFacts = {
      source: 'beacon',
      origin: side.site.origins[0] ?? null,
      ...readSignals(line.rawHeaders),
      token,
      person: line.state,
      bot: this.#agents(userAgent).bot,
      consent: beacon.consent,
    }
    const reason = side.decide(facts, line.time)
    if (reason !== null) return shownReason(reason)
    // Only people of established tenants count towards thresholds.
    return token.state === 'valid' && token.claims.standing !== 'established' ? 'trial_tenant' : null
  }
}

function newSide(kind: LogKind, rulebook: Rulebook): Side {
  const [site] = Object.values(rulebook.sites) as [Site]
  const { minNetworks, minTenants, minUsers } = rulebook.release
  const minGroups = site.identity === 'signed' ? minTenants : minNetworks
  return {
    kind,
    site,
    assets: rulebook.assets,
    decide: compileDecision(rulebook, site),
    learner: createLearner({ minUsers, minGroups }),
    skipped: new Map(),
    used: 0,
  }
}

function device(address: Address | null, userAgent: string): Who | null {
  if (address === null) return null
  return {
    person: JSON.stringify([identityAddress(address), userAgent]),
    group: identityNetwork(address),
  }
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function skip(counts: Map<string, number>, reason: string, events: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + events)
}
