/** The part of the contract about the privacy role's desk. */
import { choice, json, problem, realm, ref, refused, text } from './openapi-parts.js'

const tuples = (description: string) => ({
  type: 'array',
  description,
  items: { type: 'array', items: { type: 'string' } },
})
const asked = [
  { name: 'statistic', in: 'path', required: true, schema: { type: 'string' } },
  choice('window', 'Default: the finest that is declared', ['hour', 'day', 'week', 'month']),
  {
    name: 'window_start',
    in: 'query',
    required: true,
    description: 'As an answer writes it',
    schema: { type: 'string', format: 'date-time' },
  },
  text('site', 'The site, where two sites declare the same id'),
  realm,
]
const ofWindow = {
  statistic: { type: 'string' },
  window: { enum: ['hour', 'day', 'week', 'month'] },
  window_start: { type: 'string', format: 'date-time' },
  site: { type: 'string' },
  sample: { type: 'boolean' },
}

export const deskPaths = {
  '/api/v1/explanations/{statistic}': {
    get: {
      summary:
        'Why declared values of a window are not published, as classes computed from what is public (roles privacy and admin)',
      parameters: asked,
      responses: {
        '200': json('The classes', ref('ExplanationAnswer')),
        ...refused,
        '404': problem('No such statistic'),
      },
    },
  },
  '/api/v1/cells/{statistic}': {
    get: {
      summary:
        'How a published value came about: its block, what it passed, its manifest and the audit proof (roles privacy and admin)',
      parameters: [
        ...asked,
        {
          name: 'dims',
          in: 'query',
          required: true,
          description: 'Its values in the order of the columns, as a JSON list: ["/invoices","mobile"]',
          schema: { type: 'string', maxLength: 2_048 },
        },
      ],
      responses: {
        '200': json('The value', ref('CellAnswer')),
        ...refused,
        '404': problem('No such statistic, or nothing published of these values'),
      },
    },
  },
} as const

export const deskSchemas = {
  ExplanationAnswer: {
    type: 'object',
    required: [...Object.keys(ofWindow), 'rulebook', 'classes', 'unlisted'],
    additionalProperties: false,
    properties: {
      ...ofWindow,
      rulebook: { type: 'string' },
      classes: {
        type: 'array',
        items: {
          type: 'object',
          required: ['rule', 'level', 'words', 'cells', 'values'],
          additionalProperties: false,
          properties: {
            rule: {
              enum: [
                'pooled',
                'too_few',
                'whole',
                'pooled_within',
                'nobody',
                'parent_unpublished',
                'not_listed',
                'sensitive',
                'step',
                'merged',
                'live',
              ],
            },
            level: { type: 'array', items: { type: 'string' }, description: 'Names of the dimensions' },
            words: {
              type: 'string',
              description: 'Every rule that may be the reason, never which one it was',
            },
            cells: { type: 'integer', minimum: 1 },
            values: tuples('The first 200 of them'),
          },
        },
      },
      unlisted: {
        type: 'array',
        description: 'Levels whose values are no closed list, or too many',
        items: {
          type: 'object',
          required: ['level', 'words'],
          additionalProperties: false,
          properties: {
            level: { type: 'array', items: { type: 'string' } },
            words: { type: 'string' },
          },
        },
      },
    },
  },
  CellAnswer: {
    type: 'object',
    required: [
      ...Object.keys(ofWindow),
      'dims',
      'cell',
      'block',
      'measures',
      'thresholds',
      'rulebook',
      'manifest',
      'proof',
    ],
    additionalProperties: false,
    properties: {
      ...ofWindow,
      dims: { type: 'object', additionalProperties: { type: 'string' } },
      cell: { type: 'object', additionalProperties: { type: 'integer' } },
      block: {
        type: 'object',
        required: ['kind', 'words', 'covers', 'more'],
        additionalProperties: false,
        properties: {
          kind: { enum: ['value', 'parts', 'pool', 'merged', 'step', 'cohort'] },
          words: { type: 'string' },
          covers: {
            ...tuples('Declared values that it covers, or its published parts'),
            type: ['array', 'null'],
          },
          more: { type: 'integer', minimum: 0, description: 'So many beyond those' },
        },
      },
      measures: { type: 'array', items: { type: 'string' }, description: 'How each number came about' },
      thresholds: {
        type: 'array',
        items: {
          type: 'object',
          required: ['rule', 'words'],
          additionalProperties: false,
          properties: { rule: { type: 'string' }, words: { type: 'string' } },
        },
      },
      rulebook: {
        type: 'object',
        required: ['hash', 'name', 'version'],
        additionalProperties: false,
        properties: {
          hash: { type: 'string' },
          name: { type: 'string' },
          version: { type: 'string' },
        },
      },
      manifest: {
        type: ['object', 'null'],
        required: ['id', 'hash', 'cell'],
        additionalProperties: false,
        properties: {
          id: { type: 'string' },
          hash: { type: 'string', description: 'SHA-256 of its canonical text' },
          cell: { type: ['string', 'null'], description: 'The value as it stands in that text' },
        },
      },
      proof: {
        type: ['object', 'null'],
        description: 'null while no signed head covers the entry',
        required: ['inclusion', 'head', 'public_key'],
        additionalProperties: false,
        properties: {
          inclusion: { type: 'object', description: 'For `tacit audit verify --proof`' },
          head: { type: 'object', description: 'For its --head' },
          public_key: { type: 'string', description: 'PEM' },
        },
      },
    },
  },
} as const
