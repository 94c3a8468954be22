/** The contract of the query API, OpenAPI 3.1, served at `/openapi.json`. */
import { auditPaths, auditSchemas } from './openapi-audit.js'
import { deskPaths, deskSchemas } from './openapi-desk.js'
import { day, json, realm, ref, refused, text } from './openapi-parts.js'
import { statisticPaths, statisticSchemas } from './openapi-statistics.js'

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
    ...statisticPaths,
    ...deskPaths,
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
      ...statisticSchemas,
      ...deskSchemas,
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
