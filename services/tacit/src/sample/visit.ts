/**
 * One visit: page views one after another, what was done on them, and the beacons that carry it. A page is told when it
 * is left, with how long it was looked at: no earlier does the page know.
 */
import type { Beacon, BeaconEvent, TokenClaims } from '@tacit/contracts'
import { isOfficeTime, type SampleDay } from './calendar.js'
import { SAMPLE_APP_VERSIONS, type SampleEvent } from './catalogue.js'
import type { Device, Person } from './people.js'
import type { Random } from './random.js'
import type { Page, Walk } from './walk.js'

/** One beacon as the collector would receive it, with the claims that its token would carry. */
export interface SampleBeacon {
  /** time of receipt, ms since the Unix epoch */
  readonly time: number
  /** address of the peer */
  readonly ip: string
  /** lower-case names; the same object for the same person and device */
  readonly headers: Readonly<Record<string, string>>
  /** the body, without a token */
  readonly body: Beacon
  /** the same object for the same person, so that a token can be made once and kept by it */
  readonly claims: TokenClaims
}

const MAX_BATCH = 8
const MEAN_VIEWS = 4.25
const MAX_VIEWS = 30
const MEAN_DWELL_MS = 38_000
const MAX_DWELL_MS = 240_000
const TIMED_SHARE = 0.3
/** Phones load pages more slowly. */
const PHONE_SLOWNESS = 1.7
const INCIDENT_ERRORS = 6
const INCIDENT_SLOWNESS = 1.8
const QUERY_SHARE = 0.03
const QUERIES = ['?status=overdue', '?page=2', '?sort=date&order=desc', '#totals'] as const
const SEARCHES = ['overdue invoices', 'freight charges', 'delivery challan', 'credit note'] as const

/** Share of people who have taken up a feature at this point of the sample (logistic: slow, fast, saturated). */
const TAKEN_UP: Partial<Readonly<Record<SampleEvent, (progress: number) => number>>> = {
  'dashboard.customise': (progress) => 0.06 + 0.6 / (1 + Math.exp(-9 * (progress - 0.55))),
  'bulk.import': (progress) => 0.2 + 0.5 * progress,
}

/** Which version a person runs: each is rolled out over weeks, and the last appears halfway. */
function appVersion(person: Person, day: SampleDay): string {
  const readiness = 1.2 * day.progress + 0.6 - person.laggard
  const rank = readiness < 0 ? 0 : readiness < 0.35 ? 1 : readiness < 0.95 ? 2 : 3
  return SAMPLE_APP_VERSIONS[rank]
}

/** Collects events of one visit and sends them in batches of one to eight. */
class Batches {
  readonly #person: Person
  readonly #random: Random
  readonly #site: string
  readonly #ip: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #out: SampleBeacon[]
  readonly #start: number
  #events: BeaconEvent[] = []
  #size: number
  /** ms since the visit began, of what was told last */
  #now = 0

  constructor(
    site: string,
    person: Person,
    device: Device,
    ip: string,
    start: number,
    random: Random,
    out: SampleBeacon[],
  ) {
    this.#site = site
    this.#person = person
    this.#headers = device.headers
    this.#ip = ip
    this.#start = start
    this.#random = random
    this.#out = out
    this.#size = 1 + random.below(MAX_BATCH)
  }

  /**
   * @param at ms since the visit began, of the event's own time; until the batch is sent, `age` holds it
   * @param now the same, of when the page tells it
   */
  add(
    name: SampleEvent,
    at: number,
    path: string,
    rest: Pick<BeaconEvent, 'props' | 'from_path'> | null,
    now = at,
  ): void {
    this.#now = Math.max(this.#now, now)
    const event: BeaconEvent = { id: this.#random.id(), name, age: at, path }
    if (rest?.from_path !== undefined) event.from_path = rest.from_path
    if (rest?.props !== undefined) event.props = rest.props
    this.#events.push(event)
    if (this.#events.length >= this.#size) this.flush()
  }

  flush(): void {
    if (this.#events.length === 0) return
    const sent = this.#now + 200 + this.#random.below(1_800)
    for (const event of this.#events) event.age = sent - event.age
    const { client, consent, claims } = this.#person
    const body: Beacon = { v: 1, site: this.#site, consent, client, events: this.#events }
    this.#out.push({ time: this.#start + sent, ip: this.#ip, headers: this.#headers, body, claims })
    this.#events = []
    this.#size = 1 + this.#random.below(MAX_BATCH)
  }
}

/** What a person does on a page, besides looking at it. @returns ms since the visit began, afterwards */
function act(
  page: Page,
  path: string,
  from: number,
  person: Person,
  day: SampleDay,
  random: Random,
  batches: Batches,
): number {
  let at = from
  for (const [name, chance] of page.does) {
    const share = TAKEN_UP[name]
    if (share !== undefined && person.novelty > share(day.progress)) continue
    if (!random.chance(chance)) continue
    at += 1_500 + Math.floor(random.exponential(9_000, 60_000))
    batches.add(
      name,
      at,
      path,
      name === 'search.use' ? { props: { search_text: random.pick(SEARCHES) } } : null,
    )
  }
  return at
}

function deviceOf(
  person: Person,
  day: SampleDay,
  start: number,
  random: Random,
): { device: Device; ip: string } {
  if (person.phone !== null && random.chance(0.4)) return { device: person.phone, ip: person.roaming }
  const inOffice = isOfficeTime(day, start) && random.chance(0.88)
  return { device: person.desk, ip: inOffice ? person.office : person.home }
}

/**
 * Plays one visit into `out`. It lasts less than five hours.
 * @param start ms since the Unix epoch
 */
export function playVisit(
  site: string,
  person: Person,
  day: SampleDay,
  walk: Walk,
  start: number,
  random: Random,
  out: SampleBeacon[],
): void {
  const { device, ip } = deviceOf(person, day, start, random)
  const batches = new Batches(site, person, device, ip, start, random, out)
  const context = { random, months: day.months }
  const views = 1 + Math.floor(random.exponential(MEAN_VIEWS, MAX_VIEWS))
  const slowness =
    (device.agent.form === 'desktop' ? 1 : PHONE_SLOWNESS) * (day.incident ? INCIDENT_SLOWNESS : 1)
  const errors = day.incident ? INCIDENT_ERRORS : 1
  let page = walk.first.draw(random)
  let at = 0
  let from: string | null = null
  for (let view = 0; view < views; view += 1) {
    let path = page.makePath(context)
    if (random.chance(QUERY_SHARE)) path += random.pick(QUERIES)
    const entered = at
    if (view === 0) {
      const props = { app_version: appVersion(person, day), device_model: device.agent.model }
      batches.add('app_start', at, path, { props })
    }
    if (random.chance(TIMED_SHARE)) {
      const loadMs = Math.min(60_000, Math.round(random.logNormal(page.route.loadMs * slowness, 0.5)))
      batches.add('page_load', at + loadMs, path, { props: { load_ms: loadMs } })
      at += loadMs
    }
    if (random.chance(page.route.breaks * errors)) batches.add('app_error', at + 300, path, null)
    at = act(page, path, at + 300, person, day, random, batches)
    at += 1_000 + Math.floor(random.exponential(MEAN_DWELL_MS, MAX_DWELL_MS))
    const spent = { time_spent_s: Math.round((at - entered) / 1_000) }
    const seen =
      from === null ? { props: { ...spent, visit_start: true } } : { from_path: from, props: spent }
    batches.add('page_view', entered, path, seen, at)
    from = path
    page = walk.next.get(page)?.draw(random) ?? page
  }
  batches.flush()
}
