/**
 * What stays visible by name, by size of the vendor: a week of the sample's traffic goes through the collector, the log,
 * landing and staging as live beacons do; each day is released when it closes, and the week after its last one. Then each
 * of these windows is computed once more from its staging rows for every k, and counted beside (visibility.ts).
 *
 * Exact counts leave this file as shares only: they are made-up people, but a benchmark should not show how to do it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { computeSite, dayStarts, sitePlan } from '@tacit/aggregator'
import { parseAddress, readSignals } from '@tacit/anonymizer'
import { DAY, DrivenClock, epochOf, type Stream, TacitError } from '@tacit/contracts'
import { buildManifest, type Cell } from '@tacit/disclosure'
import { RULEBOOK_FILE, type Rulebook, type Site, type Statistic, streamOf } from '@tacit/rulebook'
import type { CleanedRows } from '@tacit/warehouse'
import { DrivenRun } from '../house/driven.js'
import { openHouse } from '../house/house.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import type { Realm } from '../house/realm.js'
import { checkRulebook, readRulebook, requireRulebook, storeRulebook } from '../house/rulebook-files.js'
import { SAMPLE_SITE, sampleEnd, sampleRulebook } from '../house/sample.js'
import { sampleTraffic } from '../sample/traffic.js'
import { addVisible, NOTHING, percentOf, type Visible, visibleGroups, visibleShares } from './visibility.js'

const DAYS = 7
/** The week is always the same one, of Monday 2 November 2026, so that a seed has the same figures on any day. */
const NOW = Date.UTC(2026, 10, 9)
const ORIGIN = 'http://127.0.0.1:8081'
const FLUSH_EVERY = 2_000
/**
 * Accounts of the sample for one person that is counted on a working day: the others are away, refused, of a trial, or have
 * left (measured over the four sizes).
 */
const ACCOUNTS_PER_PERSON = 1.85
/** Windows that are measured though the shipped rulebook does not declare them, so that there is something to compare. */
const MORE_WINDOWS: Readonly<Record<string, string>> = {
  pages: '[hour, day, week]',
  navigation: '[day, week]',
  devices: '[day, week]',
  apps: '[day, week]',
  errors: '[day, week]',
}

/** Active people of a small, a middling, a large and a very large vendor. */
export const UTILITY_PEOPLE: readonly number[] = [20, 200, 2_000, 20_000]
/** `min_users`, and with it the step. */
export const UTILITY_KS: readonly number[] = [5, 10]

export interface UtilityOptions {
  /** that are counted on a working day, about */
  readonly people: number
  readonly seed: number
  readonly ks: readonly number[]
}

/** One level of one statistic. Shares are whole percents, rounded down; null where there was nothing, or it has no such measure. */
export interface UtilityRow {
  readonly statistic: string
  /** `by`, or a drill's dimensions, e.g. `path, device` */
  readonly level: string
  readonly window: string
  readonly k: number
  /** whether the shipped rulebook declares that window */
  readonly shipped: boolean
  readonly groups_shown: number | null
  readonly people_shown: number | null
  readonly events_shown: number | null
}

export interface UtilityBench {
  /** that were asked for */
  readonly people: number
  readonly tenants: number
  /** mean of people counted from Monday to Friday; exact, of made-up people */
  readonly people_a_day: number
  readonly events_a_week: number
  readonly rows: readonly UtilityRow[]
}

/** Ten times the people are about three times the companies. */
const tenantsOf = (people: number): number => Math.max(5, Math.round(Math.sqrt(people)))

/** The sample's rulebook with more windows. */
function measuredRulebook(erp: Rulebook): Rulebook {
  const sample = sampleRulebook(erp, [ORIGIN], NOW, DAYS)
  let text = sample.sources[RULEBOOK_FILE] ?? ''
  for (const [id, windows] of Object.entries(MORE_WINDOWS)) {
    const declared = new RegExp(`(\\n  ${id}:(?: #.*)?\\n(?:    .*\\n)*?    window: ).*\\n`)
    if (!declared.test(text)) throw new TacitError('ERR_INTERNAL', `The ERP rulebook declares no ${id}`)
    text = text.replace(declared, `$1${windows}\n`)
  }
  return requireRulebook(
    checkRulebook(RULEBOOK_FILE, { ...sample.sources, [RULEBOOK_FILE]: text }),
    'The rulebook of the benchmark',
  )
}

interface Measured {
  readonly statistic: Statistic
  readonly level: string
  readonly window: string
  readonly k: number
  readonly visible: Visible
}

/** People of a day, whatever they did. */
async function peopleOf(rows: CleanedRows): Promise<number> {
  const tree = { levels: ['device'] }
  const [nodes = []] = await rows.trees([tree])
  const parts = nodes.flatMap(({ dims }) => dims)
  if (parts.length === 0) return 0
  const [everybody] = await rows.unions(tree, [{ hour: null, parent: [], parts }])
  return everybody?.users ?? 0
}

/** Gathers what windows showed, and what days published, which their week must know. */
class Gauge {
  readonly #realm: Realm
  readonly #site: Site
  readonly #ks: readonly number[]
  readonly #rows = new Map<string, Measured>()
  /** by k and statistic: cells of each day that was measured */
  readonly #days = new Map<string, (readonly Cell[])[]>()
  readonly #done = new Set<string>()
  readonly peopleOfDays: number[] = []
  events = 0

  constructor(realm: Realm, ks: readonly number[]) {
    this.#realm = realm
    this.#site = realm.rulebook.sites[SAMPLE_SITE] as Site
    this.#ks = ks
  }

  get rows(): readonly Measured[] {
    return [...this.#rows.values()]
  }

  /** Measures an epoch that was released and not measured yet: its staging rows live for two more days. */
  async measure(stream: 'day' | 'week', time: number): Promise<void> {
    const epoch = epochOf(stream, time).label
    if (this.#done.has(epoch) || this.#realm.state.window(stream, epoch).status !== 'released') return
    this.#done.add(epoch)
    const rows = await this.#realm.warehouse.clean({
      stream,
      epoch,
      site: this.#site.id,
      identity: this.#site.identity,
      maxEventsPerPerson: this.#realm.rulebook.release.maxEventsPerPerson,
    })
    try {
      if (stream === 'day') {
        this.peopleOfDays.push(await peopleOf(rows))
        this.events += rows.rows
      }
      for (const k of this.#ks) await this.#measureAt(k, stream, epoch, rows)
    } finally {
      await rows.drop()
    }
  }

  async #measureAt(k: number, stream: Stream, epoch: string, rows: CleanedRows): Promise<void> {
    const { release } = this.#realm.rulebook
    const rulebook = { ...this.#realm.rulebook, release: { ...release, minUsers: k, step: k } }
    const statistics = rulebook.statistics.filter(({ windows }) =>
      windows.some((window) => window !== '5m' && streamOf(window) === stream),
    )
    const days = new Map(statistics.map(({ id }) => [id, this.#days.get(`${k} ${id}`) ?? []]))
    const computed = await computeSite(this.#realm.warehouse, {
      rulebook,
      site: this.#site,
      stream,
      epoch,
      statistics,
      days: stream === 'day' ? new Map() : days,
      noiseOf: () => undefined,
    })
    if (!computed.verdict.ok) throw new TacitError('ERR_RELEASE_REFUSED')
    const plan = sitePlan(rulebook, this.#site, stream, statistics)
    const counted = await rows.trees(plan.trees.map(({ request }) => request))
    const cellsOf = (statistic: Statistic, window: string): readonly Cell[] =>
      computed.statistics.find((one) => one.statistic.id === statistic.id && one.window === window)?.cells ??
      []
    for (const [at, { spec, statistic, window }] of plan.trees.entries()) {
      const cells = cellsOf(statistic, window)
      if (k === release.minUsers) this.#compare(statistic, window, epoch, cells)
      if (window === 'day') this.#keepDay(k, statistic, cells)
      const nodes = counted[at] ?? []
      const deepest = spec.levels.length
      if (spec.histogram) {
        const visible = visibleShares(nodes, cells, deepest - 1)
        this.#add({ statistic, level: spec.levels.slice(0, -1).join(', '), window, k, visible })
        continue
      }
      for (let depth = spec.plain; depth <= deepest; depth += 1) {
        const visible = visibleGroups(nodes, cells, depth)
        this.#add({ statistic, level: spec.levels.slice(0, depth).join(', '), window, k, visible })
      }
    }
    for (const { statistic, steps } of plan.funnels) {
      const visible = visibleGroups(await rows.funnel(steps), cellsOf(statistic, 'day'), 1)
      this.#add({ statistic, level: 'steps', window: 'day', k, visible })
    }
  }

  /** What is measured is what was released: at the rulebook's own k both must be the same bytes. */
  #compare(statistic: Statistic, window: string, epoch: string, cells: readonly Cell[]): void {
    const windowStart = dayStarts(epoch)[0] ?? 0
    const kind = statistic.where.kind ?? null
    const { hash: rulebook } = this.#realm.rulebook
    const made = buildManifest({
      site: this.#site.id,
      statistic: statistic.id,
      kind,
      window,
      windowStart,
      rulebook,
      cells,
    })
    if (this.#realm.state.manifest(made.id)?.hash !== made.hash)
      throw new TacitError('ERR_INTERNAL', `What was measured of ${made.id} is not what was released`)
  }

  #keepDay(k: number, { id }: Statistic, cells: readonly Cell[]): void {
    const key = `${k} ${id}`
    const days = this.#days.get(key)
    if (days === undefined) this.#days.set(key, [cells])
    else days.push(cells)
  }

  #add(measured: Measured): void {
    const { k, level, statistic, visible, window } = measured
    const key = JSON.stringify([k, statistic.id, level, window])
    const before = this.#rows.get(key)?.visible ?? NOTHING
    this.#rows.set(key, { ...measured, visible: addVisible(before, visible) })
  }
}

async function play(
  realm: Realm,
  clock: DrivenClock,
  gauge: Gauge,
  { people, seed }: UtilityOptions,
  tell: (day: number) => void,
): Promise<void> {
  const start = clock.now()
  const end = start + DAYS * DAY
  const run = new DrivenRun(realm, clock)
  const moveTo = async (time: number): Promise<void> => {
    await run.advanceTo(time)
    for (let day = start; day < end; day += DAY) await gauge.measure('day', day)
    await gauge.measure('week', start)
  }
  const traffic = sampleTraffic({
    seed,
    tenants: tenantsOf(people),
    users: Math.round(people * ACCOUNTS_PER_PERSON),
    days: DAYS,
    end,
    site: SAMPLE_SITE,
    origin: ORIGIN,
    policy: realm.rulebook.policy.version,
  })
  let deadline = run.deadlineAfter(start)
  let beacons = 0
  for (const { body, claims, headers, ip, time } of traffic) {
    if (time >= deadline) {
      await moveTo(time)
      deadline = run.deadlineAfter(time)
      tell(Math.floor((time - start) / DAY) + 1)
    } else clock.advanceTo(time)
    const taken = realm.intake.take(body, {
      source: 'beacon',
      address: parseAddress(ip),
      userAgent: headers['user-agent'] ?? '',
      origin: headers['origin'] ?? null,
      ...readSignals(Object.entries(headers).flat()),
      claims,
    })
    if (taken instanceof Promise) await taken
    if (++beacons % FLUSH_EVERY === 0) await realm.commit.drain()
  }
  await realm.commit.drain()
  await moveTo(end + realm.rulebook.epochs.latenessMs)
}

function rowOf(erp: Rulebook, { k, level, statistic, visible, window }: Measured): UtilityRow {
  const declared = erp.statistics.find(({ id }) => id === statistic.id)
  const adds =
    window === 'day' && (statistic.measures.includes('events') || statistic.shape.type === 'histogram')
  return {
    statistic: statistic.id,
    level,
    window,
    k,
    shipped: declared?.windows.some((one) => one === window) === true,
    groups_shown: percentOf(visible.groupsShown, visible.groups),
    people_shown: percentOf(visible.peopleShown, visible.people),
    events_shown: adds ? percentOf(visible.eventsShown, visible.events) : null,
  }
}

/**
 * @param onDay told the days that were played
 * @throws TacitError ERR_RELEASE_REFUSED where the checker refuses a window, ERR_CONFIG_INVALID for people beyond the sample's bounds
 */
export async function benchUtility(
  options: UtilityOptions,
  onDay: (day: number) => void,
): Promise<UtilityBench> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-bench-'))
  const house = await openHouse(dir)
  try {
    const erp = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
    const rulebook = measuredRulebook(erp)
    const clock = new DrivenClock(sampleEnd(NOW) - DAYS * DAY)
    const layout = house.layout.realm('sample')
    storeRulebook(layout.rulebook, rulebook)
    const realm = await house.openRealm({
      layout,
      rulebook,
      clock,
      service: 'simulate',
      ratePerToken: Number.MAX_SAFE_INTEGER,
    })
    const gauge = new Gauge(realm, options.ks)
    await play(realm, clock, gauge, options, onDay)
    const working = gauge.peopleOfDays.slice(0, 5)
    return {
      people: options.people,
      tenants: tenantsOf(options.people),
      people_a_day: Math.round(working.reduce((sum, one) => sum + one, 0) / Math.max(1, working.length)),
      events_a_week: gauge.events,
      rows: gauge.rows.map((measured) => rowOf(erp, measured)),
    }
  } finally {
    await house.close()
    rmSync(dir, { recursive: true, force: true })
  }
}
