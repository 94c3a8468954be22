/** From lines to the intake, without stores: what is taken, in which order, under which clock. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Beacon, DrivenClock, MINUTE, rfc3339 } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import type { DrivenRun } from './driven.js'
import { Importer } from './importer.js'
import { ROOT } from './layout.js'
import type { Realm } from './realm.js'
import { readRulebook, requireRulebook } from './rulebook-files.js'

const START = Date.UTC(2015, 4, 17, 10)
const website = requireRulebook(readRulebook(join(ROOT, 'rulebooks/website/rulebook.yaml')), 'website')
const dir = t.testdir()
let files = 0

function file(lines: readonly string[]): string {
  const path = join(dir, `log-${String(files++)}`)
  writeFileSync(path, lines.join('\n'))
  return path
}

/** A line of an access log at a second after the start. */
function line(second: number, path: string, address = '203.0.113.7'): string {
  const at = new Date(START + second * 1_000).toISOString()
  const stamp = `17/May/2015:${at.slice(11, 19)} +0000`
  return `${address} - - [${stamp}] "GET ${path} HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux)"`
}

interface Taken {
  /** the clock at that moment */
  readonly now: string
  readonly path: string | undefined
  readonly age: number
  readonly id: string
}

/** Plays files into a realm that only writes down what it is handed. */
async function play(
  paths: readonly string[],
  format: 'combined' | 'beacons' | null = null,
  rulebook: Rulebook = website,
  closedDays: readonly string[] = [],
) {
  const clock = new DrivenClock(0)
  const taken: Taken[] = []
  const dropped: Record<string, number> = {}
  const droppedHours: string[] = []
  const facts: unknown[] = []
  const realm = {
    rulebook,
    intake: {
      take({ events }: Beacon, fact: unknown) {
        facts.push(fact)
        for (const { age, id, path } of events) taken.push({ now: rfc3339(clock.now()), path, age, id })
      },
    },
    commit: {
      drain: async () => {},
      open: () => {},
      dropped: (hour: number, reason: string) => {
        dropped[reason] = (dropped[reason] ?? 0) + 1
        droppedHours.push(rfc3339(hour))
      },
    },
    aggregator: { ledger: () => [] },
  }
  const run = {
    advanceTo: async (time: number) => clock.advanceTo(time),
    deadlineAfter: () => Number.MAX_SAFE_INTEGER,
    enterOpenHour: async () => {},
    closedDays: async () => new Set(closedDays),
  }
  const importer = new Importer({
    realm: realm as unknown as Realm,
    run: run as unknown as DrivenRun,
    clock,
    trustedProxies: [],
  })
  await importer.play(paths, format, () => {})
  return { taken, dropped, droppedHours, facts }
}

t.test('several files merge by time, and the clock follows', async (t) => {
  const { taken } = await play([
    file([line(0, '/a'), line(20, '/b'), line(300, '/e')]),
    file([line(10, '/c'), line(30, '/d')]),
  ])
  t.same(
    taken.map(({ path }) => path),
    ['/a', '/c', '/b', '/d', '/e'],
  )
  t.same(
    taken.map(({ now }) => now.slice(14, 19)),
    ['00:00', '00:10', '00:20', '00:30', '05:00'],
  )
  t.ok(taken.every(({ age }) => age === 0))
  t.equal(new Set(taken.map(({ id }) => id)).size, 5, 'no two lines have one event id')
})

t.test('any split of a log over files gives the same page views in the same order of time', async (t) => {
  const seconds = fc.array(fc.record({ second: fc.nat(3_000), side: fc.nat(2) }), {
    minLength: 1,
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(seconds, async (entries) => {
      const sorted = [...entries].sort((a, b) => a.second - b.second)
      const parts = [0, 1, 2].map((side) => sorted.filter((entry) => entry.side === side))
      const paths = parts.map((part) => file(part.map(({ second }) => line(second, `/p${String(second)}`))))
      const { taken } = await play(paths, 'combined')
      t.same(
        taken.map(({ path }) => path),
        sorted.map(({ second }) => `/p${String(second)}`),
      )
    }),
    { numRuns: 25 },
  )
})

t.test('disorder within a minute is mended; beyond it the event keeps its time, as an age', async (t) => {
  const { taken } = await play([
    file([line(0, '/a'), line(59, '/c'), line(30, '/b'), line(400, '/d'), line(100, '/e'), line(600, '/f')]),
  ])
  t.same(
    taken.map(({ path }) => path),
    ['/a', '/b', '/c', '/e', '/d', '/f'],
  )
  const late = await play([
    file([line(0, '/a'), line(400, '/d'), line(500, '/e'), line(100, '/b'), line(900, '/f')]),
  ])
  const b = late.taken.find(({ path }) => path === '/b')
  t.equal(b?.age, 300_000, 'the clock stood at 400 s')
})

t.test(
  'lines that are no page view, do not parse or lie ahead are counted, and none is quoted',
  async (t) => {
    const future = new Date(Date.now() + 10 * MINUTE).toUTCString().split(' ')
    const [, day = '', month = '', year = '', time = ''] = future
    const { taken, dropped, facts } = await play([
      file([
        'alice@example.in is no line',
        line(1, '/a'),
        line(2, '/b').replace('GET', 'HEAD'),
        line(3, '/c').replace(' 200 ', ' 404 '),
        line(4, '/d?user=alice#x'),
        line(5, '/e').replace('17/May/2015:10:00:05', `${day}/${month}/${year}:${time}`),
        '"',
      ]),
    ])
    t.same(
      taken.map(({ path }) => path),
      ['/a', '/d'],
    )
    t.same(dropped, { 'line.unparsable': 2, 'line.method': 1, 'line.status': 1, 'line.future': 1 })
    t.match(facts[0], {
      source: 'line',
      origin: null,
      gpc: false,
      dnt: false,
      userAgent: 'Mozilla/5.0 (X11; Linux)',
    })
  },
)

t.test('a beacon of NDJSON brings its headers, claims and state with it', async (t) => {
  const claims = { tenant: 't', sub: 's', exp: 5 }
  const one = {
    time: '2015-05-17T10:00:00Z',
    ip: '203.0.113.7',
    headers: { 'Sec-GPC': '1', Origin: 'https://www.example.in', 'User-Agent': 'x' },
    body: { v: 1, site: 'website', events: [{ id: 'a', name: 'page_view', age: 5, path: '/a' }] },
    claims,
    state: { objected: true },
  }
  const { taken, dropped, facts } = await play([
    file([
      JSON.stringify(one),
      JSON.stringify({ ...one, body: '{' }),
      JSON.stringify({ ...one, time: undefined }),
    ]),
  ])
  t.match(taken, [{ now: '2015-05-17T10:00:00Z', path: '/a', age: 5 }])
  t.match(facts, [
    {
      source: 'beacon',
      gpc: true,
      dnt: false,
      origin: 'https://www.example.in',
      userAgent: 'x',
      claims,
      person: { objected: true },
      time: Date.UTC(2015, 4, 17, 10),
    },
  ])
  t.same(dropped, { 'line.unparsable': 2 })
})

t.test('a line of an hour that has closed is late where hours are counted', async (t) => {
  const hours: Rulebook = {
    ...website,
    statistics: website.statistics.map((statistic) => ({ ...statistic, windows: ['hour', 'day'] })),
  }
  const notFound = line(1_800, '/gone').replace(' 200 ', ' 404 ')
  // What is a minute newer lets a line go.
  const log = file([
    line(0, '/a'),
    line(7_140, '/b'),
    line(7_205, '/d'),
    line(3_599, '/c'),
    line(7_300, '/f'),
    line(1_800, '/e'),
    notFound,
  ])
  const paths = ({ taken }: Awaited<ReturnType<typeof play>>) => taken.map(({ path }) => path)
  const byHour = await play([log], 'combined', hours)
  t.same(paths(byHour), ['/a', '/b', '/c', '/d', '/f'], 'until its end and lateness, which is 12:00')
  t.same(byHour.dropped, { late: 2 })
  const byDay = await play([log], 'combined')
  t.same(paths(byDay), ['/a', '/b', '/c', '/d', '/e', '/f'])
  t.same(byDay.dropped, { 'line.status': 1 })
})

t.test('each event of a beacon of a day that an earlier run closed is late, in its own hour', async (t) => {
  const event = { name: 'page_view', path: '/a' }
  const beacon = (time: string, ages: readonly number[]) =>
    JSON.stringify({
      time,
      ip: '203.0.113.7',
      headers: {},
      body: { v: 1, site: 'website', events: ages.map((age, at) => ({ ...event, id: String(at), age })) },
      claims: { tenant: 't', sub: 's', exp: 5 },
    })
  const log = file([beacon('2015-05-17T10:30:00Z', [0, 45 * MINUTE]), beacon('2015-05-18T10:30:00Z', [7])])
  const { dropped, droppedHours, taken } = await play([log], 'beacons', website, ['day:2015-05-17'])
  t.same(dropped, { late: 2 })
  t.same(droppedHours, ['2015-05-17T10:00:00Z', '2015-05-17T09:00:00Z'])
  t.match(taken, [{ now: '2015-05-18T10:30:00Z', age: 7 }])
})
