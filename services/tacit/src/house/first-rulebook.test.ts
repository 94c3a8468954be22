import { DAY } from '@tacit/contracts'
import { type EventKind, RULEBOOK_FILE } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import type { FirstContent, FirstOptions } from './first-parts.js'
import { DEFAULTS, firstRulebook, STARTER } from './first-rulebook.js'
import type { LogKind } from './log-study.js'
import { checkRulebook } from './rulebook-files.js'

const KINDS: readonly LogKind[] = ['erp', 'website']
const TODAY = Date.UTC(2026, 10, 29, 13)

function options(kind: LogKind, changes: Partial<FirstOptions> = {}): FirstOptions {
  return { ...DEFAULTS[kind], minUsers: 10, region: 'in', policy: '2026-11-01', today: TODAY, ...changes }
}

/** Parsed, linted, its examples tried: every finding, and the rulebook. */
function check(kind: LogKind, content: FirstContent, changes: Partial<FirstOptions> = {}) {
  return checkRulebook(RULEBOOK_FILE, firstRulebook(kind, options(kind, changes), content))
}

const everything: FirstContent = {
  routes: ['/', '/customers/:id', '/customers/:id/invoice/:id2'],
  events: {
    kinds: new Map<string, EventKind>([
      ['page_view', 'page_view'],
      ['true', 'feature'],
      ['page_load', 'timing'],
      ['app_error', 'error'],
      ['app_start', 'device'],
    ]),
    roles: ['admin', 'Head: "of" # all', '{x}', 'लेखा'],
    versions: ['8.1', '1.0'],
    measures: new Set(['from_path', 'load_ms', 'app_version']),
  },
  from: 'log',
}

t.test('the starters are sound without a warning, and their examples hold', async (t) => {
  for (const kind of KINDS) t.match(check(kind, STARTER[kind]), { findings: [], rulebook: {} }, kind)
})

t.test('so is one with everything that can be learnt, and what it lists is what was learnt', async (t) => {
  const { findings, rulebook } = check('erp', everything)
  t.same(findings, [])
  t.same(rulebook?.fields['role'], {
    do: 'allow',
    values: everything.events.roles,
    otherwise: 'other',
  })
  t.match(rulebook?.fields['app_version'], { values: ['8.1', '1.0'] })
  t.match(rulebook?.fields['path'], { routes: everything.routes, otherwise: '/other' })
  t.same(Object.keys(rulebook?.events ?? {}), [...everything.events.kinds.keys()])
  t.same(
    rulebook?.statistics.map(({ id }) => id),
    ['pages', 'navigation', 'features', 'devices', 'speed', 'apps', 'errors'],
  )
  t.equal(rulebook?.examples.length, 3)
  t.same(check('website', everything).findings, [])
})

t.test('nothing learnt is a rulebook too, with the first page alone', async (t) => {
  for (const kind of KINDS) {
    const { findings, rulebook } = check(kind, { ...STARTER.website, routes: [], from: 'log' })
    t.same(findings, [])
    t.match(rulebook?.fields['path'], { routes: ['/'] })
    t.same(Object.keys(rulebook?.events ?? {}), ['page_view'])
  }
})

t.test('a route of the name that other pages get makes these get another one', async (t) => {
  const { findings, rulebook } = check('website', { ...everything, routes: ['/other', '/unlisted'] })
  t.same(findings, [])
  t.match(rulebook?.fields['path'], { otherwise: '/elsewhere' })
})

t.test('it rules from today for a year, whatever day it is', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), (day) => {
      const today = Date.UTC(2020, 0, 1) + day * DAY
      const { findings, rulebook } = check('website', STARTER.website, { today })
      t.same(findings, [])
      t.equal(rulebook?.effective, today)
      t.ok((rulebook?.expires ?? 0) - today >= 365 * DAY)
    }),
    { numRuns: 40 },
  )
})

t.test('the thresholds are those that were asked for', async (t) => {
  for (const kind of KINDS)
    t.equal(check(kind, STARTER[kind], { minUsers: 25 }).rulebook?.release.minUsers, 25)
  t.equal(check('erp', STARTER.erp).rulebook?.release.minTenants, 3)
  t.equal(check('website', STARTER.website).rulebook?.release.minNetworks, 5)
})
