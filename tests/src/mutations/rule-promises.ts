/**
 * What people were promised about lists, lives and thresholds: what is declared is the whole of it. The values stand
 * here a second time on purpose, so that whoever changes the rulebook says it twice.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { declaredValues, type Statistic } from '@tacit/rulebook'
import type { Promised } from './decision-promises.js'
import type { Subject } from './subject.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const EVENTS =
  'app_error app_start bulk.import customer.create dashboard.customise gst.file invoice.print invoice.save invoice.send item.create page_load page_view payment.record payroll.run report.export search.use stock.adjust'
const ROUTES =
  '/ /customers /customers/:id /customers/:id/invoice/:no /customers/:id/statement /dashboard /employees /employees/:id /gst/returns /gst/returns/:period /help /help/:topic /invoices /invoices/:id /invoices/:id/edit /invoices/new /items /items/:id /ledger /ledger/:account /login /other /payments /payments/new /payroll /payroll/:month /purchase/orders /purchase/orders/:id /reports /reports/:name /settings /settings/company /settings/users /stock /stock/transfers /vendors /vendors/:id'

const STATISTICS = [
  'pages of page_view by path, drill device: users, events, visits, time_s; counts floored a hour+day',
  'features of feature by event_name, drill role: users, events; counts floored a day+week',
  'navigation of page_view by from_path+path: users; counts floored a day',
  'devices of anything by device+os+browser: users; counts floored a day',
  'speed of timing by path: users; histogram of load_ms floored a day',
  'apps of device by app_version+model_class: users; counts floored a week',
  'errors of error by path, per pages: users, events; counts floored a day',
  'invoice of anything by nothing: users; funnel /invoices/new, invoice.save, invoice.send floored a day',
  'retention of anything by nothing: users; retention of cohort floored a week',
  'live of anything by nothing: users; live floored a 5m',
]

function shapeText(shape: Statistic['shape']): string {
  switch (shape.type) {
    case 'histogram':
      return `histogram of ${shape.field}`
    case 'funnel':
      return `funnel ${shape.steps.map(({ value }) => value).join(', ')}`
    case 'retention':
      return `retention of ${shape.cohort}`
    default:
      return shape.type
  }
}

function sentence({ by, drill, id, measures, people, per, shape, where, windows }: Statistic): string {
  const deeper = drill.length === 0 ? '' : `, drill ${drill.join('+')}`
  const rated = per === undefined ? '' : `, per ${per}`
  const of = `${id} of ${where.kind ?? 'anything'} by ${by.length === 0 ? 'nothing' : by.join('+')}${deeper}${rated}`
  return `${of}: ${measures.join(', ')}; ${shapeText(shape)} ${people} a ${windows.join('+')}`
}

const values = ({ rulebook }: Subject, dimension: string): readonly string[] =>
  (declaredValues(rulebook, dimension) ?? []).toSorted()

export const RULE_PROMISES: readonly Promised[] = [
  {
    name: 'a number covers ten people of three companies, none of them over half, no person over a quarter, in steps of ten',
    holds: ({ rulebook: { release } }) => {
      const { maxPersonShare, maxShare, minTenants, minUsers, step } = release
      deepEqual(
        { maxPersonShare, maxShare, minTenants, minUsers, step },
        {
          maxPersonShare: 0.25,
          maxShare: 0.5,
          minTenants: 3,
          minUsers: 10,
          step: 10,
        },
      )
    },
  },
  {
    name: 'of one person 20 events of a kind count a day',
    holds: ({ rulebook: { release } }) => equal(release.maxEventsPerPerson, 20),
  },
  {
    name: 'nobody but a network site has a threshold of networks: nothing passes it here',
    holds: ({ rulebook: { release } }) => equal(release.minNetworks, Number.MAX_SAFE_INTEGER),
  },
  {
    name: 'records are linked over a day or a week, no longer, and their keys die 48 hours after',
    holds: ({ rulebook: { epochs } }) =>
      deepEqual(epochs, { streams: ['day', 'week'], latenessMs: HOUR, destroyKeyAfterMs: 2 * DAY }),
  },
  {
    name: 'stores keep a day, two days, 25 months and 400 days, and 1 GiB may wait at a collector',
    holds: ({ rulebook: { keep } }) =>
      deepEqual(keep, {
        logMs: DAY,
        stagingAfterEpochMs: 2 * DAY,
        releasedMonths: 25,
        auditDays: 400,
        spoolBytes: 1_073_741_824,
      }),
  },
  {
    name: 'the rules are looked at again by the end of November 2027, and people had a month’s notice',
    holds: ({ rulebook: { effective, expires, noticeAt } }) => {
      equal(expires, Date.UTC(2027, 10, 30))
      ok(noticeAt !== null && effective - noticeAt >= 30 * DAY)
    },
  },
  {
    name: 'there is one purpose, on consent to analytics, and one policy with its clauses',
    holds: ({ rulebook: { policy, purpose } }) => {
      equal(purpose.id, 'product-usage-stats')
      equal(purpose.consent, 'analytics')
      deepEqual(policy, { version: '2026-11-01', clauses: ['2b', '3', '4', '7', '8', '9', '10', '11'] })
    },
  },
  {
    name: 'there is one site, in India, and one page speaks for it',
    holds: ({ rulebook: { region, sites } }) => {
      deepEqual(Object.values(sites), [
        {
          id: 'erp',
          origins: ['https://erp.example.in'],
          identity: 'signed',
          lawfulBasis: 'consent',
          region: 'in',
        },
      ])
      equal(region, 'in')
    },
  },
  {
    name: 'exactly these statistics can be asked for',
    holds: ({ rulebook: { statistics } }) => {
      deepEqual(statistics.map(sentence).toSorted(), STATISTICS.toSorted())
      ok(statistics.every(({ site }) => site === 'erp'))
    },
  },
  {
    name: 'exactly these events are known',
    holds: (subject) => equal(Object.keys(subject.rulebook.events).toSorted().join(' '), EVENTS),
  },
  {
    name: 'what a person does is counted as a feature, and the house’s own events as what they are',
    holds: ({ rulebook: { events } }) => {
      const others = Object.entries(events).filter(([, { kind }]) => kind !== 'feature')
      deepEqual(Object.fromEntries(others.map(([name, { kind }]) => [name, kind])), {
        page_view: 'page_view',
        page_load: 'timing',
        app_error: 'error',
        app_start: 'device',
      })
    },
  },
  {
    name: 'who runs the payroll is told of no group that all did, or none',
    holds: ({ rulebook: { events } }) => {
      const sensitive = Object.keys(events).filter((name) => events[name]?.sensitive === true)
      deepEqual(sensitive, ['payroll.run'])
    },
  },
  {
    name: 'numbers carry no noise, and nobody is told that they do',
    holds: ({ rulebook: { release } }) => equal(release.noise, null),
  },
  ...['path', 'from_path'].map((field) => ({
    name: `exactly these routes can be published as ${field}`,
    holds: (subject: Subject) => equal(values(subject, field).join(' '), ROUTES),
  })),
  {
    name: 'exactly these roles can be published',
    holds: (subject) => equal(values(subject, 'role').join(), 'accounts,admin,operations,other,sales'),
  },
  {
    name: 'exactly these versions of the app can be published',
    holds: (subject) => equal(values(subject, 'app_version').join(), '8.1.0,8.2.0,8.2.1,8.3.0,other'),
  },
  {
    name: 'no field yields anything but what was promised',
    holds: (subject) =>
      equal(
        Object.keys(subject.fields({})['values']).toSorted().join(' '),
        'app_version browser cohort country device event_name from_path load_ms model_class os path role time_spent_s utc_offset visit_start',
      ),
  },
  {
    name: 'whoever the rules speak of has a rule, and free text is dropped',
    holds: ({ rulebook: { fields } }) => {
      for (const field of ['user_id', 'tenant_id']) equal(fields[field]?.do, 'pseudonym')
      equal(fields['search_text']?.do, 'drop')
    },
  },
  {
    name: 'a pseudonym is of one purpose and one epoch, and a person’s of one company',
    holds: ({ rulebook: { fields } }) => {
      const scope = (field: string): unknown => {
        const rule = fields[field]
        return rule?.do === 'pseudonym' ? rule.scope : null
      }
      deepEqual(scope('user_id'), ['tenant', 'purpose', 'epoch'])
      deepEqual(scope('tenant_id'), ['purpose', 'epoch'])
    },
  },
  {
    name: 'pictures and scripts are no page views',
    holds: ({ rulebook: { assets } }) => equal(assets, 'drop'),
  },
]
