/**
 * The schema of a rulebook. Every key has a description, from which reference pages and a JSON Schema are made.
 */
import { STREAMS } from '@tacit/contracts'
import { z } from 'zod'
import {
  readAfterEpoch,
  readCap,
  readDay,
  readDays,
  readDuration,
  readMonths,
  readShare,
  readSize,
  sizeText,
} from './durations.js'
import { allowed, BOUND_TEXTS, SPOOL_BYTES } from './bounds.js'
import { fieldRuleSchema, readable, written } from './field-schema.js'
import { noiseSchema } from './noise-schema.js'
import { DETECTORS, MEASURES } from './types.js'

/** Field names become columns, site and statistic names become addresses. */
export const NAME = /^[a-z][a-z0-9_]{0,47}$/
const label = (like: string) => written(/^[a-z0-9][a-z0-9._-]{0,63}$/, like)
const noDay = (text: string) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? 'is a day that no calendar has' : null)
const day = (like = '2026-11-01', bounds: string | null = null) => readable(readDay, like, noDay, bounds)
/** a day that stays as it is written */
const dayText = readable((text) => (readDay(text) === null ? null : text), '2026-11-01', noDay)
const duration = (like: string, bounds: string) => readable(readDuration, like, undefined, bounds)
const months = (like: string, bounds: string) => readable(readMonths, like, undefined, bounds)
const share = (like: string, bounds: string) =>
  readable(
    readShare,
    like,
    (text) => (/^\d+(?:\.\d)?%$/.test(text) ? 'must be more than 0% and at most 100%' : null),
    bounds,
  )
const region = written(/^[a-z]{2}(-[a-z0-9]{1,12})?$/, 'in')
const count = (like: number, bounds: string) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .meta({ examples: [like] })
    .register(allowed, { text: bounds })

const REFUSALS = [
  'gpc',
  'dnt',
  'objected',
  'tenant_opted_out',
  'account_closed',
  'not_adult',
  'wrong_region',
] as const
const WINDOWS = ['5m', 'hour', 'day', 'week', 'month'] as const

const window = z.enum(WINDOWS)
const dimension = z.string().min(1).max(64)

const siteSchema = z.strictObject({
  origins: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(50)
    .describe('pages that may send, as bare origins')
    .meta({ examples: [['https://erp.example.in']] }),
  identity: z
    .enum(['signed', 'network'])
    .describe('whom a person is known by: the token of the ERP, or address and user agent'),
  lawful_basis: z.enum(['consent', 'exempt-measurement']).describe('the lawful basis of the processing'),
  region: region.describe('the region that its keys and records stay in'),
})

const statisticSchema = z
  .strictObject({
    site: written(NAME, 'erp').describe('the site it counts'),
    title: z
      .string()
      .min(1)
      .max(80)
      .describe('its name in menus')
      .meta({ examples: ['Pages'] }),
    window: z
      .union([window, z.array(window).min(1).max(5)])
      .transform((value) => (typeof value === 'string' ? [value] : [...new Set(value)]))
      .describe('how long a window is: 5m (the last minutes), hour, day, week, month; one or a list')
      .meta({ examples: ['day'] }),
    where: z
      .strictObject({
        kind: z
          .enum(['page_view', 'feature', 'timing', 'error', 'device'])
          .optional()
          .describe('the kind of event it counts; all kinds without it'),
      })
      .optional()
      .describe('which events it counts; all of the site without it'),
    by: z
      .array(dimension)
      .min(1)
      .optional()
      .describe(
        'its dimensions, as the rules of the fields yield them; needed but for a funnel, a retention and the last minutes',
      )
      .meta({ examples: [['path']] }),
    drill: z
      .array(dimension)
      .optional()
      .describe('further dimensions below `by`')
      .meta({ examples: [['device']] }),
    measures: z
      .array(z.enum(MEASURES))
      .min(1)
      .max(4)
      .optional()
      .describe(
        'what is counted: users (people or devices), events, visits (page views with `visit_start`), time_s (seconds on pages, by `time_spent_s`); needed but for a histogram, a funnel and a retention; hours, funnels, retention and the last minutes carry users only',
      )
      .meta({ examples: [['users', 'events']] }),
    histogram: dimension
      .optional()
      .describe('a field with buckets: which share of the events falls into each, in whole percent')
      .meta({ examples: ['load_ms'] }),
    funnel: z
      .array(written(/^(?:page:\/[^\s]{0,200}|event:[a-z][a-z0-9_.-]{0,63})$/, 'page:/invoices/new'))
      .min(2)
      .max(8)
      .optional()
      .describe('steps in order: `page:/route` or `event:name`; people who did each after the one before')
      .meta({ examples: [['page:/invoices/new', 'event:invoice.save']] }),
    retention: z
      .strictObject({
        cohort: dimension
          .describe('the field that says when a person joined, like cohort')
          .meta({ examples: ['cohort'] }),
      })
      .optional()
      .describe('people of each cohort who came back'),
    people: z
      .enum(['floored', 'exact'])
      .optional()
      .describe('whether people are floored to steps (`release.step`); `floored` without it'),
    per: written(NAME, 'pages')
      .optional()
      .describe(
        'another statistic of the site with events and the same `by`, or its first dimensions: answers carry `rate`, events per 100 of that one’s',
      ),
  })
  .meta({
    examples: [{ site: 'erp', title: 'Pages', window: 'day', by: ['path'], measures: ['users', 'events'] }],
  })

/** A case that must hold. */
export const exampleSchema = z.strictObject({
  in: z
    .record(z.string(), z.unknown())
    .describe('fields of an event as they come')
    .meta({ examples: [{ path: '/customers/48211' }] }),
  out: z
    .record(z.string(), z.unknown())
    .describe('what leaves memory, or `dropped: reason`')
    .meta({ examples: [{ path: '/customers/:id' }] }),
})

const top = {
  rulebook: label('erp-usage').describe('its name'),
  version: label('2026.11.1').describe('its version; a later one sorts later'),
  policy: z
    .strictObject({
      version: dayText.describe('the date of the public privacy policy'),
      clauses: z
        .array(written(/^\d{1,2}[a-z]?$/, '2b'))
        .min(1)
        .max(50)
        .describe('the clauses that this rulebook serves')
        .meta({ examples: [['2b', '3', '4']] }),
    })
    .describe('the public privacy policy it serves'),
  effective: day().describe('the first UTC day on which it rules'),
  notice: z
    .strictObject({ at: day('2026-10-01', BOUND_TEXTS.notice).describe('the day on which people were told') })
    .optional()
    .describe('when people were told of it; a change that loosens the rules needs one'),
  expires: day('2027-11-30', BOUND_TEXTS.expires).describe(
    'the UTC day from whose start it no longer rules; ingest stops',
  ),
  default: z.literal('drop').describe('what happens to a field that no rule names'),
  purpose: z
    .strictObject({
      id: label('product-usage-stats').describe(
        'its name; part of every pseudonym, so that purposes cannot be joined',
      ),
      consent: z.literal('analytics').describe('the consent that is asked for'),
      max_consent_age: months('13 months', BOUND_TEXTS.consent).describe(
        'the age at which consent goes stale',
      ),
      refuse_when: z
        .array(z.enum(REFUSALS))
        .max(20)
        .describe('what counts as a refusal')
        .meta({ examples: [[...REFUSALS]] }),
    })
    .describe('the one purpose of everything in here'),
  sites: z.record(written(NAME, 'erp'), siteSchema).describe('whose beacons are read'),
  epochs: z
    .strictObject({
      streams: z.array(z.enum(STREAMS)).min(1).max(3).describe('the linkage windows that have records'),
      lateness: duration('1h', BOUND_TEXTS.lateness).describe(
        'how long after its end a window waits for stragglers',
      ),
      destroy_key_after: duration('48h', BOUND_TEXTS.keyLife).describe(
        'how long after its end the key of an epoch lives',
      ),
      timezone: z.literal('UTC').describe('the clock that days are cut by'),
    })
    .describe('how time is cut, and when keys die'),
  fields: z
    .record(written(NAME, 'search_text'), fieldRuleSchema)
    .describe('what happens to each field; one that is not named is dropped')
    .meta({
      examples: [
        {
          timestamp: { do: 'coarsen', to: '1h' },
          client_ip: { do: 'truncate', ipv4: 16, ipv6: 32 },
          event_name: { do: 'allow', catalogue: 'events.yaml', otherwise: 'drop_event' },
          path: { do: 'template', catalogue: 'routes.yaml', otherwise: '/other' },
          search_text: { do: 'drop', because: 'free text' },
        },
      ],
    }),
  statistics: z
    .record(written(NAME, 'pages'), statisticSchema)
    .describe('everything that may ever be published'),
  release: z
    .strictObject({
      min_users: count(10, BOUND_TEXTS.users).describe('people that a published cell covers at least'),
      min_tenants: count(3, BOUND_TEXTS.groups)
        .optional()
        .describe(
          'tenants that a published cell of a signed site covers at least; needed where one is declared',
        ),
      min_networks: count(5, BOUND_TEXTS.groups)
        .optional()
        .describe(
          'networks that a published cell of a network site covers at least; needed where one is declared',
        ),
      max_share: share('50%', BOUND_TEXTS.share)
        .optional()
        .describe(
          'share of people or events that one tenant may have in a cell; needed where a signed site is declared',
        ),
      max_person_share: share('25%', BOUND_TEXTS.personShare).describe(
        'share of events that one person may have in a cell',
      ),
      max_events_per_person: readable(readCap, '20 per kind and day', undefined, BOUND_TEXTS.rows).describe(
        'rows of a person that count',
      ),
      step: count(10, BOUND_TEXTS.step)
        .optional()
        .describe('people are floored to whole steps of so many; `min_users` without it'),
      noise: noiseSchema.optional(),
    })
    .describe('what a cell must satisfy to be published')
    .meta({
      examples: [
        {
          min_users: 10,
          min_tenants: 3,
          max_share: '50%',
          max_person_share: '25%',
          max_events_per_person: '20 per kind and day',
        },
      ],
    }),
  keep: z
    .strictObject({
      log: duration('24h', BOUND_TEXTS.log).describe('sealed batches'),
      staging: readable(readAfterEpoch, 'epoch + 48h', undefined, BOUND_TEXTS.staging).describe(
        'pseudonymous rows',
      ),
      released: months('25 months', BOUND_TEXTS.released).describe('published cells'),
      audit: readable(readDays, '400 days', undefined, BOUND_TEXTS.audit).describe(
        'the record of what was done',
      ),
      spool: readable(readSize, '1 GiB', undefined, BOUND_TEXTS.spool)
        .optional()
        .describe(
          `sealed batches that may wait on a collector’s disk while Kafka does not answer, for no longer than \`log\`; \`${sizeText(SPOOL_BYTES.unstated)}\` without it`,
        ),
    })
    .describe('how long each store keeps what'),
  scan: z
    .strictObject({
      detectors: z
        .array(z.enum(DETECTORS))
        .min(1)
        .max(50)
        .describe('what every text of an event is searched for')
        .meta({ examples: [[...DETECTORS]] }),
      on_hit: z.literal('drop_event').describe('what happens to the event: it is dropped and counted'),
    })
    .optional()
    .describe(
      'personal identifiers that are searched for in every text, values and keys; without it nothing is searched for',
    ),
  bots: z.enum(['drop', 'count']).describe('whether programs that say they are one are counted'),
  assets: z.enum(['drop', 'count']).describe('whether static files of an access log are counted'),
  region: region.describe('where collectors and keepers of this rulebook run'),
  examples: z.array(exampleSchema).max(500).optional().describe('cases that must hold'),
}

/** A whole rulebook, as written. */
export const rulebookSchema = z.strictObject(top)

/** Values of the three maps, each of which is read on its own so that one mistake hides no other. */
export const entrySchemas = { sites: siteSchema, fields: fieldRuleSchema, statistics: statisticSchema }

export type SiteDraft = z.infer<typeof siteSchema>
export type StatisticDraft = z.infer<typeof statisticSchema>
