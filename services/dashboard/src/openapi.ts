/** The contract of the query API, OpenAPI 3.1, served at `/openapi.json`. */
import { auditPaths, auditSchemas } from './openapi-audit.js'
import { choice, day, json, problem, realm, ref, refused, text } from './openapi-parts.js'

const from = day('from', 'First UTC day, inclusive')
const to = day('to', 'Last UTC day, inclusive')

export const openApi = {
  openapi: '3.1.0',
  info: {
    title: 'Tacit query API',
    version: '1',
    description:
      'Released statistics. Every published value covers a group of people; people counts may be floored to a step.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  security: [{ bearer: [] }],
  paths: {
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
          choice('window', 'Default: the finest that is declared', ['5m', 'hour', 'day', 'week', 'month']),
          from,
          to,
          text('drill', 'A declared drill-down; not released by this version'),
          choice('format', 'Default: json', ['json', 'csv']),
          text('site', 'The site, where two sites declare the same id'),
          realm,
        ],
        responses: {
          '200': {
            description: 'Published values',
            content: {
              'application/json': { schema: ref('StatisticAnswer') },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...refused,
          '404': problem('No such statistic, or a drill-down that is not released'),
        },
      },
    },
    '/api/v1/ledger': {
      get: {
        summary:
          'received = accepted + dropped by reason, for hours that have closed (roles privacy and admin)',
        parameters: [from, to, realm, text('site', 'The realm that has this site')],
        responses: { '200': json('Closed hours', ref('LedgerAnswer')), ...refused },
      },
    },
    '/api/v1/detections': {
      get: {
        summary:
          'Events that detectors of personal identifiers dropped, for days that have closed (roles privacy and admin)',
        parameters: [from, to, realm, text('site', 'The realm that has this site')],
        responses: { '200': json('Closed days', ref('DetectionsAnswer')), ...refused },
      },
    },
    '/api/v1/checks': {
      get: {
        summary: 'What the checks of stored data found when they last ran (roles privacy and admin)',
        parameters: [realm],
        responses: { '200': json('The last results', ref('ChecksAnswer')), ...refused },
      },
    },
    ...auditPaths,
    '/api/v1/rulebook': {
      get: {
        summary: 'The rules in force, as written, and which ruled before (roles privacy and admin)',
        parameters: [realm],
        responses: { '200': json('The rulebook', ref('Rulebook')), ...refused },
      },
    },
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    schemas: {
      Problem: {
        type: 'object',
        required: ['type', 'title', 'status', 'code'],
        properties: {
          type: { type: 'string', format: 'uri' },
          title: { type: 'string' },
          status: { type: 'integer' },
          code: { type: 'string', pattern: '^ERR_' },
          detail: { type: 'string', description: 'What to do; never a part of the request' },
        },
      },
      CatalogueEntry: {
        type: 'object',
        required: ['id', 'title', 'windows', 'by', 'drill', 'measures', 'site', 'realm', 'sample', 'latest'],
        properties: {
          id: { type: 'string' },
          title: { type: 'string' },
          windows: { type: 'array', items: { type: 'string' } },
          by: { type: 'array', items: { type: 'string' } },
          drill: { type: 'array', items: { type: 'string' } },
          measures: { type: 'array', items: { enum: ['users', 'events'] } },
          people: { enum: ['floored', 'exact'] },
          min_users: { type: 'integer' },
          site: { type: 'string' },
          realm: { enum: ['main', 'sample'] },
          sample: { type: 'boolean' },
          latest: {
            type: ['string', 'null'],
            format: 'date-time',
            description: 'Start of the newest window with published values',
          },
        },
      },
      StatisticAnswer: {
        type: 'object',
        required: ['statistic', 'window', 'rulebook', 'rows', 'withheld'],
        properties: {
          statistic: { type: 'string' },
          window: { type: 'string' },
          rulebook: { type: 'string', description: 'SHA-256 of the rules' },
          site: { type: 'string' },
          sample: { type: 'boolean' },
          rows: {
            type: 'array',
            items: {
              type: 'object',
              description: 'window_start, one text for each dimension, then the measures',
              required: ['window_start'],
              properties: {
                window_start: { type: 'string', format: 'date-time' },
                users: { type: ['integer', 'null'] },
                events: { type: ['integer', 'null'] },
                floor: { type: 'integer', description: 'users is rounded down to a multiple of this' },
              },
            },
          },
          withheld: { type: 'object', properties: { cells: { type: ['integer', 'null'] } } },
        },
      },
      LedgerAnswer: {
        type: 'object',
        required: ['rows', 'realm', 'sample'],
        properties: {
          rows: {
            type: 'array',
            items: {
              type: 'object',
              required: ['hour', 'received', 'accepted', 'dropped'],
              properties: {
                hour: { type: 'string', format: 'date-time' },
                received: { type: 'integer' },
                accepted: { type: 'integer' },
                dropped: { type: 'object', additionalProperties: { type: 'integer' } },
              },
            },
          },
          realm: { enum: ['main', 'sample'] },
          sample: { type: 'boolean' },
        },
      },
      DetectionsAnswer: {
        type: 'object',
        required: ['rows', 'realm', 'sample'],
        properties: {
          rows: {
            type: 'array',
            items: {
              type: 'object',
              required: ['day', 'detector', 'field', 'events'],
              properties: {
                day: { type: 'string', format: 'date', description: 'UTC day of receipt' },
                detector: { type: 'string' },
                field: { type: 'string', description: 'A field of the rules, or props' },
                events: { type: 'integer' },
              },
            },
          },
          realm: { enum: ['main', 'sample'] },
          sample: { type: 'boolean' },
        },
      },
      ChecksAnswer: {
        type: 'object',
        required: ['checks', 'realm', 'sample'],
        properties: {
          checks: {
            type: 'array',
            description: 'Empty before the first run',
            items: {
              type: 'object',
              required: ['id', 'title', 'ok', 'at', 'findings'],
              properties: {
                id: { type: 'string' },
                title: { type: 'string' },
                ok: { type: 'boolean' },
                at: { type: 'string', format: 'date-time', description: 'When it last ran' },
                findings: {
                  type: 'array',
                  items: { type: 'string' },
                  description: 'What it found, in fixed texts; notes where it is fine',
                },
              },
            },
          },
          realm: { enum: ['main', 'sample'] },
          sample: { type: 'boolean' },
        },
      },
      ...auditSchemas,
      Rulebook: {
        type: 'object',
        required: ['name', 'version', 'hash', 'sources', 'since', 'pending', 'history'],
        properties: {
          name: { type: 'string' },
          version: { type: 'string' },
          hash: { type: 'string' },
          effective: { type: 'string', format: 'date' },
          expires: { type: 'string', format: 'date' },
          sources: { type: 'object', additionalProperties: { type: 'string' } },
          since: {
            type: ['string', 'null'],
            format: 'date-time',
            description: 'Since when these rules hold; null where that is on no record',
          },
          pending: {
            type: ['object', 'null'],
            description: 'The change that waits to take effect',
            required: ['hash', 'takes_effect', 'verified'],
            properties: {
              hash: { type: 'string' },
              takes_effect: { type: 'string', format: 'date-time' },
              verified: {
                type: ['boolean', 'null'],
                description: 'Whether the running instance will obey it; null until it has looked',
              },
            },
          },
          history: {
            type: 'array',
            description: 'Which rules held when, in order; the last ones hold now',
            items: {
              type: 'object',
              required: ['hash', 'since', 'until'],
              properties: {
                hash: { type: 'string' },
                since: { type: ['string', 'null'], format: 'date-time' },
                until: { type: ['string', 'null'], format: 'date-time' },
              },
            },
          },
          realm: { enum: ['main', 'sample'] },
          sample: { type: 'boolean' },
        },
      },
    },
  },
} as const
