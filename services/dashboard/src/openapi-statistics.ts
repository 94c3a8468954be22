/** The part of the contract about statistics: the catalogue, and the answers of every shape. */
import { choice, count, day, json, problem, realm, ref, refused, text } from './openapi-parts.js'

const WINDOWS = ['5m', 'hour', 'day', 'week', 'month']
const names = (description: string) => ({ type: 'array', items: { type: 'string' }, description })
const integer = (description: string) => ({ type: ['integer', 'null'], minimum: 0, description })
const percent = (description: string) => ({ type: ['integer', 'null'], minimum: 0, description })
const time = { type: 'string', format: 'date-time' }

export const statisticPaths = {
  '/api/v1/statistics': {
    get: {
      summary: 'The catalogue of declared statistics',
      responses: {
        '200': json('The catalogue', { type: 'array', items: ref('CatalogueEntry') }),
        ...refused,
      },
    },
  },
  '/api/v1/statistics/{id}': {
    get: {
      summary: 'Released values of one statistic',
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
        choice('window', 'Default: the finest that is declared', WINDOWS),
        day('from', 'First UTC day, inclusive'),
        day('to', 'Last UTC day, inclusive'),
        text('drill', 'A declared drill-down: rows of that level alone'),
        choice('compare', 'Adds previous_users, previous_events, …: of the window before', ['previous']),
        count('top', 'Of each window only so many of the largest values, and (other)', 1, 1_000),
        count('limit', 'Rows at most; where there are more, truncated is true. Default 10000', 1, 100_000),
        text('timezone', 'IANA name; adds window_local, and changes nothing else: windows are UTC'),
        choice('format', 'Default: json', ['json', 'csv']),
        text('site', 'The site, where two sites declare the same id'),
        realm,
      ],
      responses: {
        '200': {
          description: 'Published values; CSV has the rows of the JSON, in the same order',
          content: {
            'application/json': { schema: ref('StatisticAnswer') },
            'text/csv': { schema: { type: 'string' } },
          },
        },
        ...refused,
        '404': problem('No such statistic'),
      },
    },
  },
} as const

export const statisticSchemas = {
  CatalogueEntry: {
    type: 'object',
    required: [
      'id',
      'title',
      'shape',
      'windows',
      'by',
      'drill',
      'measures',
      'people',
      'min_users',
      'site',
      'realm',
      'sample',
      'latest',
    ],
    additionalProperties: false,
    properties: {
      id: { type: 'string' },
      title: { type: 'string' },
      shape: { enum: ['counts', 'live', 'histogram', 'funnel', 'retention'] },
      windows: { type: 'array', items: { enum: WINDOWS } },
      by: names('Dimensions of the plain rows, coarsest first'),
      drill: names('Dimensions that can be added, one after the other'),
      measures: { type: 'array', items: { enum: ['users', 'events', 'visits', 'time_s'] } },
      people: { enum: ['floored', 'exact'] },
      min_users: { type: 'integer', description: 'A published value covers at least so many people' },
      site: { type: 'string' },
      realm: { enum: ['main', 'sample'] },
      sample: { type: 'boolean' },
      latest: {
        type: ['string', 'null'],
        format: 'date-time',
        description: 'Start of the newest window with published values',
      },
      field: { type: 'string', description: 'Of a histogram: what its buckets are of' },
      steps: names('Of a funnel: its steps in order'),
      per: { type: 'string', description: 'The statistic that rate is per 100 events of' },
    },
  },
  StatisticAnswer: {
    type: 'object',
    required: ['statistic', 'window', 'rulebook', 'site', 'sample', 'rows', 'withheld'],
    additionalProperties: false,
    properties: {
      statistic: { type: 'string' },
      window: { enum: WINDOWS },
      rulebook: {
        type: 'string',
        description: 'SHA-256 of the rules that the newest rows were released under',
      },
      site: { type: 'string' },
      sample: { type: 'boolean' },
      rows: { type: 'array', items: ref('StatisticRow') },
      withheld: {
        type: 'object',
        required: ['cells'],
        additionalProperties: false,
        properties: {
          cells: integer(
            'Declared values minus published ones, over the windows of the answer; null where the values are no closed list, or a histogram is cut',
          ),
        },
      },
      percentiles: {
        type: 'array',
        description: 'Of histograms: interpolated in the published shares',
        items: {
          type: 'object',
          required: ['window_start', 'p50', 'p75', 'p95'],
          properties: {
            window_start: time,
            window_local: time,
            p50: integer('null where the last, open bucket is reached'),
            p75: integer('as p50'),
            p95: integer('as p50'),
          },
          additionalProperties: { type: 'string' },
        },
      },
      truncated: { const: true, description: 'There are more rows than the limit' },
    },
  },
  StatisticRow: {
    type: 'object',
    description: 'window_start, one text for each dimension, then the measures',
    required: ['window_start'],
    properties: {
      window_start: time,
      window_local: { ...time, description: 'The same time in the zone that was asked for' },
      users: integer('People; null where they are not public'),
      events: integer('null where they are not public'),
      visits: integer('Page views that began a visit'),
      time_s: integer('Seconds, each page view at the lower edge of its bucket'),
      share: percent(
        'Whole percent: of a path’s events, or of the people of a cohort’s first published window by whose end all had joined',
      ),
      conversion: percent('Whole percent of the people of the first step'),
      week: { type: ['integer', 'null'], description: 'Whole weeks since the cohort’s month began' },
      rate: {
        type: ['number', 'null'],
        minimum: 0,
        description: 'Events per 100 events of the other statistic',
      },
      floor: { type: 'integer', description: 'users is rounded down to a multiple of this' },
      users_error: { type: 'integer', description: 'Half width of the 95 % interval of users' },
      events_error: { type: 'integer', description: 'Half width of the 95 % interval of events' },
      previous_users: integer('users of the window before'),
      previous_events: integer('events of the window before'),
      previous_visits: integer('visits of the window before'),
      previous_time_s: integer('time_s of the window before'),
      previous_share: percent('share of the window before'),
    },
    additionalProperties: { type: 'string' },
  },
} as const
