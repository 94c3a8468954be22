/** What people were promised about what is left of an event, held against the ERP's rulebook. */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import type { Detector } from '@tacit/rulebook'
import type { Promised } from './decision-promises.js'
import { CHROME, type Sent, type Subject } from './subject.js'

/** One made-up identifier of each kind. */
const IDENTIFIERS: Readonly<Record<Detector, string>> = {
  email: 'ravi.kumar@example.in',
  upi: 'ravi.kumar@okhdfcbank',
  phone_in: '9876543210',
  pan: 'ABCPK1234F',
  aadhaar: '234567890124',
  gstin: '27AAPFU0939F1ZV',
  cin: 'L17110MH1973PLC019786',
  tan: 'ABCD12345E',
  ifsc: 'HDFC0001234',
  iban: 'DE89370400440532013000',
  card: '4111111111111111',
  voter_id: 'ABC1234567',
  passport: 'A1234567',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
  random_token: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
}
const PAN = IDENTIFIERS.pan

/** Where a page or a token could put one. */
const PLACES: Readonly<Record<string, Sent>> = {
  'the page before': { event: { from_path: `/customers/${PAN}` } },
  'the name of an event': { event: { name: PAN } },
  'a value that a rule names': { event: { props: { search_text: PAN } } },
  'a value that no rule names': { event: { props: { note: PAN } } },
  'the name of a value': { event: { props: { [PAN]: 1 } } },
  'two values, half in each': { event: { props: { first: 'ABCPK', second: '1234F' } } },
  'the role in the token': { claims: { role: PAN } },
  'the cohort in the token': { claims: { cohort: PAN } },
  'the language of the page': { beacon: { client: { language: PAN } } },
  'a link, URL-encoded': { event: { path: '/a/%41%42%43%50%4B1234F' } },
  base64: { event: { path: `/a/${Buffer.from(`id=${PAN};`).toString('base64url')}` } },
  'full-width letters': { event: { path: '/a/ＡＢＣＰＫ１２３４Ｆ' } },
  'letters with invisible ones between': { event: { path: `/a/${[...PAN].join('\u200b')}` } },
}

const FIREFOX_ON_ANDROID = 'Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0'
const EDGE_ON_MAC =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0'

/** The record of the day of one event. */
const record = (subject: Subject, sent: Sent = {}): Readonly<Record<string, unknown>> => {
  const [row, ...more] = subject.send(sent).rows.filter(({ stream }) => stream === 'day')
  equal(more.length, 0)
  ok(row !== undefined)
  return row.record
}

/** The records of the week of one event, by statistic. */
const weekly = (subject: Subject, sent: Sent): Readonly<Record<string, Readonly<Record<string, unknown>>>> =>
  Object.fromEntries(
    subject
      .send(sent)
      .rows.filter(({ stream }) => stream === 'week')
      .map((row) => [String(row.record['statistic']), row.record]),
  )

/** A field of the rulebook: each value that comes in, and what leaves; '' for nothing. */
const becomes = (name: string, field: string, cases: readonly (readonly [unknown, string])[]): Promised => ({
  name,
  holds: (subject) => {
    for (const [given, left] of cases) equal(subject.fields({ [field]: given }).values[field], left)
  },
})

const families = (subject: Subject, userAgent: string): readonly unknown[] => {
  const { values } = subject.fields({ user_agent: userAgent })
  return [values['browser'], values['os'], values['device']]
}

export const VALUE_PROMISES: readonly Promised[] = [
  ...Object.entries(IDENTIFIERS).map(([detector, text]) => ({
    name: `an event with ${detector} in its path is dropped`,
    holds: (subject: Subject) => {
      const { reason, rows } = subject.send({ event: { path: `/customers/${text}` } })
      equal(reason, `pii.${detector}`)
      equal(rows.length, 0)
    },
  })),
  ...Object.entries(PLACES).map(([place, sent]) => ({
    name: `an identifier is found in ${place}`,
    holds: (subject: Subject) => equal(subject.send(sent).reason, 'pii.pan'),
  })),
  {
    name: 'an address leaves as the country of its /16 or /32, and nothing finer is looked up',
    holds: (subject) => {
      equal(subject.fields({ client_ip: '49.36.1.77' }).values['country'], 'IN')
      equal(subject.fields({ client_ip: '2405:201:1:2::3' }).values['country'], 'IN')
      deepEqual(new Set(subject.networks), new Set(['49.36.0.0/16', '2405:201::/32']))
    },
  },
  {
    name: 'a user agent leaves as its families, never a version, and a rare combination as other',
    holds: (subject) => {
      deepEqual(families(subject, CHROME), ['chrome', 'windows', 'desktop'])
      deepEqual(families(subject, EDGE_ON_MAC), ['edge', 'macos', 'desktop'])
      deepEqual(families(subject, FIREFOX_ON_ANDROID), ['other', 'other', 'other'])
      deepEqual(families(subject, 'Nothing/1.0 (that anyone knows)'), ['other', 'other', 'other'])
    },
  },
  {
    name: 'times leave as whole hours',
    holds: (subject) => {
      const row = record(subject, { event: { age: 60_000 } })
      equal(row['hour'], Date.UTC(2026, 11, 2, 10) / 1000)
      equal(row['received'], Date.UTC(2026, 11, 2, 10) / 1000)
    },
  },
  ...['path', 'from_path'].map((field) =>
    becomes(`${field} leaves as its route, and a page of no route as /other`, field, [
      ['/customers/12345/invoice/INV-9', '/customers/:id/invoice/:no'],
      ['/customers/acme-traders', '/customers/:id'],
      ['/customers/acme-traders/secret', '/other'],
      ['/nobody/listed/this', '/other'],
      ['/customers/48211/invoice/INV-9/lines/3/tax/of/acme', '/other'],
    ]),
  ),
  becomes('a role that nobody listed is other', 'role', [
    ['accounts', 'accounts'],
    ['head of payroll', 'other'],
  ]),
  becomes('a cohort is a month', 'cohort', [
    ['2026-03', '2026-03'],
    ['2026-03-17', ''],
    ['the first ones', ''],
  ]),
  becomes('an offset from UTC is in quarter hours', 'utc_offset', [
    [330, '330'],
    [331, ''],
    [9000, ''],
  ]),
  becomes('a version that was not released is other', 'app_version', [
    ['8.2.0', '8.2.0'],
    ['9.0.0-ravi', 'other'],
  ]),
  becomes('load times leave as six steps', 'load_ms', [
    [99, '<100'],
    [100, '100-299'],
    [812, '300-999'],
    [1000, '1000-2999'],
    [9999, '3000-9999'],
    [123456, '>=10000'],
    ['812', ''],
  ]),
  becomes('time spent leaves as six steps', 'time_spent_s', [
    [9, '<10'],
    [29, '10-29'],
    [59, '30-59'],
    [299, '60-299'],
    [1799, '300-1799'],
    [98765, '>=1800'],
  ]),
  becomes('whether a visit starts is yes or nothing', 'visit_start', [
    [true, 'true'],
    [false, ''],
    ['true', ''],
  ]),
  {
    name: 'a model leaves as its class',
    holds: (subject) => {
      const { values } = subject.fields({ device_model: 'SM-G991B of Ravi' })
      ok(['desktop', 'phone', 'tablet', 'other'].includes(values['model_class'] ?? ''))
      equal(values['device_model'], undefined)
    },
  },
  {
    name: 'role and cohort come from the token, never from the page',
    holds: (subject) => equal(record(subject, { event: { props: { role: 'admin' } } })['role'], 'accounts'),
  },
  {
    name: 'nothing leaves of an event but the columns that were promised',
    holds: (subject) => {
      const props = { load_ms: 812, search_text: 'zzz', note: 'zzz', user: 'zzz', client_ip: 'zzz' }
      const row = record(subject, { event: { props, path: '/items/zzz', id: 'zzz' } })
      deepEqual(
        Object.keys(row).toSorted(),
        'browser device eid epoch event_name from_path hour kind load_ms network os path person received role site standing tenant time_spent_s visit_start'.split(
          ' ',
        ),
      )
      ok(!JSON.stringify(row).includes('zzz'))
    },
  },
  {
    name: 'of a week it leaves that somebody was part of a number: no time, no page, no id of an event',
    holds: (subject) => {
      const props = { app_version: '8.2.0', device_model: 'zzz', note: 'zzz' }
      const weeks = weekly(subject, { event: { name: 'app_start', props, path: '/items/zzz', id: 'zzz' } })
      deepEqual(Object.keys(weeks).toSorted(), ['apps', 'retention'])
      for (const row of Object.values(weeks)) {
        deepEqual(
          Object.keys(row).toSorted(),
          'app_version cohort epoch event_name model_class network person role site standing statistic tenant'.split(
            ' ',
          ),
        )
        equal(row['epoch'], '2026-11-30')
        equal(row['role'], '')
        ok(!JSON.stringify(row).includes('zzz'))
      }
      deepEqual([weeks['apps']?.['app_version'], weeks['apps']?.['cohort']], ['8.2.0', ''])
      deepEqual([weeks['retention']?.['app_version'], weeks['retention']?.['cohort']], ['', '2026-03'])
      notEqual(weeks['apps']?.['person'], record(subject)['person'])
    },
  },
  {
    name: 'a person and a company are keyed values, another in every company and on every day',
    holds: (subject) => {
      const midnight = Date.UTC(2026, 11, 2)
      const at = midnight + 30 * 60_000
      const own = record(subject, { at })
      const tomorrow = record(subject, { at, event: { age: 3_600_000 } })
      const elsewhere = record(subject, { at, claims: { tenant: 't-002' } })
      for (const row of [own, tomorrow, elsewhere]) {
        match(String(row['person']), /^[\w-]{22}$/)
        match(String(row['tenant']), /^[\w-]{22}$/)
      }
      equal(record(subject, { at })['person'], own['person'])
      for (const column of ['person', 'tenant']) {
        notEqual(tomorrow[column], own[column])
        notEqual(elsewhere[column], own[column])
      }
      notEqual(record(subject, { at, claims: { sub: 'person-2' } })['person'], own['person'])
      equal(record(subject, { at, claims: { sub: 'person-2' } })['tenant'], own['tenant'])
    },
  },
  {
    name: 'the id of an event leaves as a keyed value of its company',
    holds: (subject) => {
      const own = record(subject, { event: { id: 'invoice-9' } })['eid']
      match(String(own), /^[\w-]{11}$/)
      notEqual(record(subject, { event: { id: 'invoice-9' }, claims: { tenant: 't-003' } })['eid'], own)
    },
  },
]
