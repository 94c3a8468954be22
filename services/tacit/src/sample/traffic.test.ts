import { createHash } from 'node:crypto'
import { beacon as beaconContract, DAY, TacitError } from '@tacit/contracts'
import t from 'tap'
import { SAMPLE_AGENTS } from './agents.js'
import { SAMPLE_APP_VERSIONS, SAMPLE_EVENTS, SAMPLE_ROUTES } from './catalogue.js'
import { SAMPLE_DEFAULTS, type SampleOptions, sampleTraffic } from './traffic.js'

const end = Date.UTC(2026, 10, 16)
const defaults: SampleOptions = {
  ...SAMPLE_DEFAULTS,
  end,
  site: 'sample',
  origin: 'https://erp.example.in',
  policy: '2026-11-01',
}
const small: SampleOptions = { ...defaults, tenants: 5, users: 60, days: 4 }

function digest(options: SampleOptions): string {
  const hash = createHash('sha256')
  for (const beacon of sampleTraffic(options)) hash.update(JSON.stringify(beacon))
  return hash.digest('hex')
}

const ROUTES = SAMPLE_ROUTES.map(({ template }) => [template, routePattern(template)] as const)

/** What one pass over the default month holds. */
function survey(options: SampleOptions) {
  const templates = new Map<string, string | null>()
  const seen = {
    beacons: 0,
    events: 0,
    malformed: 0,
    disordered: 0,
    outside: 0,
    batches: new Set<number>(),
    ids: new Set<string>(),
    names: new Set<string>(),
    kinds: new Set<string>(),
    people: new Set<string>(),
    tenants: new Set<string>(),
    versions: new Set<unknown>(),
    templates: new Set<string>(),
    strays: 0,
    days: new Map<number, { events: number; features: Map<string, Set<string>>; errors: number }>(),
  }
  let last = 0
  for (const { time, body, claims } of sampleTraffic(options)) {
    seen.beacons += 1
    seen.events += body.events.length
    if (!beaconContract.safeParse(body).success) seen.malformed += 1
    if (time < last) seen.disordered += 1
    last = time
    seen.batches.add(body.events.length)
    seen.people.add(claims.sub)
    seen.tenants.add(claims.tenant)
    const start = time - (time % DAY)
    const day = seen.days.get(start) ?? { events: 0, features: new Map<string, Set<string>>(), errors: 0 }
    seen.days.set(start, day)
    day.events += body.events.length
    for (const { id, name, age, path, props } of body.events) {
      seen.ids.add(id)
      seen.names.add(name)
      if (time >= options.end || time - age < start) seen.outside += 1
      if (name === 'app_error') day.errors += 1
      day.features.set(name, (day.features.get(name) ?? new Set()).add(claims.sub))
      if (props?.['app_version'] !== undefined) seen.versions.add(props['app_version'])
      const template = templates.get(path ?? '') ?? templateOf(path ?? '', ROUTES)
      templates.set(path ?? '', template)
      if (template === null) seen.strays += 1
      else seen.templates.add(template)
    }
  }
  return seen
}

function routePattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/:[a-z]+/g, '[^/:?#]+')}(?:[?#].*)?$`)
}

function templateOf(path: string, routes: readonly (readonly [string, RegExp])[]): string | null {
  // a literal page goes before one with a parameter
  const [first] = routes
    .filter(([, pattern]) => pattern.test(path))
    .map(([template]) => template)
    .sort()
  const literal = routes.find(([template]) => template === path.split(/[?#]/)[0])
  return literal?.[0] ?? first ?? null
}

t.test('the same seed gives the same stream, another seed another', async (t) => {
  t.equal(digest(small), digest(small))
  t.not(digest(small), digest({ ...small, seed: 2 }))
})

t.test('a person keeps its claims object, so that its token can be kept', async (t) => {
  const claims = new Map<string, unknown>()
  let beacons = 0
  for (const beacon of sampleTraffic(small)) {
    const known = claims.get(beacon.claims.sub) ?? beacon.claims
    claims.set(beacon.claims.sub, known)
    if (known !== beacon.claims) t.fail('claims were made anew')
    beacons += 1
  }
  t.ok(claims.size > 30 && beacons > claims.size)
})

t.test('the default month', async (t) => {
  const seen = survey(defaults)
  const workday = (start: number) => ![0, 6].includes(new Date(start).getUTCDay())
  const days = [...seen.days].sort(([left], [right]) => left - right)

  t.test(
    'holds about half a million events of 2,000 people in 40 tenants over five whole weeks',
    async (t) => {
      t.ok(Math.abs(seen.events - 500_000) <= 50_000, `${seen.events} events`)
      t.ok(seen.people.size > 1_900 && seen.people.size <= 2_000, `${seen.people.size} people`)
      t.equal(seen.tenants.size, 40)
      t.same(
        days.map(([start]) => start),
        Array.from({ length: 35 }, (_, day) => end - (35 - day) * DAY),
      )
    },
  )

  t.test('is made of beacons as the contract says, in order, each event on the day it is sent', async (t) => {
    t.equal(seen.malformed, 0)
    t.equal(seen.disordered, 0)
    t.equal(seen.outside, 0)
    t.equal(seen.ids.size, seen.events, 'no id twice')
    t.same([...seen.batches].sort(), [1, 2, 3, 4, 5, 6, 7, 8])
  })

  t.test('uses every event, page and version of its catalogue, and no other', async (t) => {
    t.same([...seen.names].sort(), Object.keys(SAMPLE_EVENTS).sort())
    t.same([...seen.templates].sort(), SAMPLE_ROUTES.map(({ template }) => template).sort())
    t.equal(seen.strays, 0)
    t.same([...seen.versions].sort(), [...SAMPLE_APP_VERSIONS])
  })

  t.test('has quiet weekends, a new feature that spreads, and one bad day', async (t) => {
    const busiestWeekend = Math.max(
      ...days.filter(([start]) => !workday(start)).map(([, { events }]) => events),
    )
    const working = days.filter(([start]) => workday(start)).map(([, day]) => day)
    t.ok(working.every(({ events }) => events > 1.5 * busiestWeekend))
    const adopters = working.map(({ features }) => features.get('dashboard.customise')?.size ?? 0)
    t.ok((adopters.at(-1) ?? 0) > 4 * (adopters[0] ?? 0), adopters.join(' '))
    const errors = working.map((day) => day.errors).sort((left, right) => right - left)
    t.ok((errors[0] ?? 0) > 3 * (errors[1] ?? 0), errors.join(' '))
  })
})

/** People of a group, and the tenants that they are of. */
class Group {
  readonly people = new Set<string>()
  readonly #tenants = new Map<string, Set<string>>()

  add({ sub, tenant }: { readonly sub: string; readonly tenant: string }): void {
    this.people.add(sub)
    const colleagues = this.#tenants.get(tenant) ?? new Set()
    this.#tenants.set(tenant, colleagues.add(sub))
  }

  /** Whether ten people of three tenants are left without the largest tenant. */
  get isPublishable(): boolean {
    const sizes = [...this.#tenants.values()].map(({ size }) => size).sort((a, b) => b - a)
    const [largest = 0, ...others] = sizes
    return others.length >= 3 && this.people.size - largest >= 10
  }
}

/** Groups of a working day in the fourth week, and of every week, by what the ERP's statistics count. */
function groupsOf(options: SampleOptions) {
  const day = options.end - 10 * DAY
  const groups = new Map<string, Group>()
  const into = (name: string, claims: { readonly sub: string; readonly tenant: string }) => {
    const group = groups.get(name) ?? new Group()
    groups.set(name, group)
    group.add(claims)
  }
  const steps = new Map<string, number>()
  const FUNNEL = ['/invoices/new', 'invoice.save', 'invoice.send']
  let seconds = 0
  for (const { body, claims, time } of sampleTraffic(options)) {
    const granted = claims.standing === 'established' && claims.consent?.analytics === 'granted'
    if (!granted) continue
    const week = Math.floor((time - options.end + 35 * DAY) / (7 * DAY))
    into(`cohort ${claims.cohort ?? ''} week ${String(week)}`, claims)
    for (const { from_path: from, name, path = '', props = {} } of body.events) {
      if (name === 'app_start') into(`version ${String(props['app_version'])} week ${String(week)}`, claims)
      if (name === 'dashboard.customise') into(`customise week ${String(week)}`, claims)
      if (Math.floor(time / DAY) * DAY !== day) continue
      if (props['visit_start'] === true) into('visits', claims)
      if (from !== undefined) into(`move ${from} ${path}`, claims)
      if (name === 'app_error') into(`error ${templateOf(path, ROUTES) ?? ''}`, claims)
      if (name === 'page_view') seconds += Number(props['time_spent_s'])
      const step = steps.get(claims.sub) ?? 0
      if (FUNNEL[step] === (name === 'page_view' ? path : name)) {
        into(`step ${String(step)}`, claims)
        steps.set(claims.sub, step + 1)
      }
    }
  }
  const size = (name: string) => groups.get(name)?.people.size ?? 0
  const publishable = (prefix: string) =>
    [...groups].filter(([name, group]) => name.startsWith(prefix) && group.isPublishable).length
  return { publishable, seconds, size }
}

t.test('what every statistic of the ERP counts is there, for enough people to be published', async (t) => {
  const { publishable, seconds, size } = groupsOf(defaults)
  t.ok(size('visits') > 500, `${size('visits')} people began a visit`)
  t.ok(seconds > 50_000 && Number.isSafeInteger(seconds), `${seconds} seconds on pages`)
  const steps = [0, 1, 2].map((step) => size(`step ${step}`))
  t.equal(publishable('step'), 3, steps.join(' '))
  t.ok((steps[1] ?? 0) < 0.6 * (steps[0] ?? 0) && (steps[2] ?? 0) < 0.6 * (steps[1] ?? 0), 'people drop out')
  t.ok(publishable('error') >= 2, `${publishable('error')} pages with errors`)
  t.ok(publishable('move') >= 10, `${publishable('move')} ways from page to page`)
  t.ok(publishable('version') >= 10, `${publishable('version')} versions and weeks`)
  t.ok(publishable('cohort') >= 60, `${publishable('cohort')} cohorts and weeks`)
  const weeks = [0, 1, 2, 3, 4].map((week) => size(`customise week ${week}`))
  t.ok(
    weeks.every((people, week) => week === 0 || people > (weeks[week - 1] ?? 0)),
    `more in every week: ${weeks.join(' ')}`,
  )
  const recent = [0, 1, 2, 3, 4].map((week) => size(`cohort 2026-09 week ${week}`))
  t.ok((recent.at(-1) ?? 0) < 0.95 * (recent[0] ?? 0), `some of the new ones give up: ${recent.join(' ')}`)
})

t.test('other months, seeds and sizes keep to about the same events a person and day', async (t) => {
  for (const [seed, later] of [
    [2, 3],
    [4, 11],
  ] as const) {
    let events = 0
    const options = { ...defaults, seed, end: end + later * DAY, users: 1_000, tenants: 30 }
    for (const { body } of sampleTraffic(options)) events += body.events.length
    t.ok(Math.abs(events - 250_000) <= 25_000, `${events} events`)
  }
})

t.test('agents are many, and none is twice', async (t) => {
  t.equal(new Set(SAMPLE_AGENTS.map(({ userAgent }) => userAgent)).size, SAMPLE_AGENTS.length)
  t.ok(SAMPLE_AGENTS.length >= 40)
})

for (const [what, change] of [
  ['no tenants', { tenants: 0 }],
  ['more tenants than users', { tenants: 61 }],
  ['half a user', { users: 60.5 }],
  ['too many days', { days: 401 }],
  ['an end that is no midnight', { end: end + 1 }],
  ['a seed that is no number', { seed: Number.NaN }],
] satisfies [string, Partial<SampleOptions>][]) {
  t.test(`${what} is refused by its code`, async (t) => {
    try {
      sampleTraffic({ ...small, ...change }).next()
      t.fail('the options were taken')
    } catch (error) {
      t.ok(error instanceof TacitError && error.code === 'ERR_CONFIG_INVALID')
    }
  })
}
