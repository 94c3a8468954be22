/** The part of the contract about keys and the audit log. */
import { choice, count, json, realm, ref, refused, text } from './openapi-parts.js'

const site = text('site', 'The realm that has this site')
const time = { type: 'string', format: 'date-time' }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }
const ofRealm = { realm: { enum: ['main', 'sample'] }, sample: { type: 'boolean' } }

export const auditPaths = {
  '/api/v1/keys': {
    get: {
      summary: 'Every key root that ever was, without key material (roles privacy and admin)',
      parameters: [realm, site],
      responses: { '200': json('The roots, oldest first', ref('KeysAnswer')), ...refused },
    },
  },
  '/api/v1/audit/head': {
    get: {
      summary: 'The newest signed head of the audit log, and its public key (roles privacy and admin)',
      parameters: [realm, site],
      responses: { '200': json('The head', ref('AuditHeadAnswer')), ...refused },
    },
  },
  '/api/v1/audit/entries': {
    get: {
      summary: 'Entries of the audit log as they stand (roles privacy and admin)',
      parameters: [
        realm,
        site,
        count('from', 'Number of the first; default: the last ones', 1),
        count('limit', 'How many at most; default 50', 1, 500),
      ],
      responses: { '200': json('The entries, oldest first', ref('AuditEntriesAnswer')), ...refused },
    },
  },
  '/api/v1/audit/copy': {
    get: {
      summary: 'Bytes of the audit log, for whoever verifies a copy of it (roles privacy and admin)',
      parameters: [
        realm,
        site,
        choice('file', 'Default: entries', ['entries', 'heads']),
        count('offset', 'Bytes that the asker has already', 0),
      ],
      responses: {
        '200': {
          description: 'Whole lines from there on, at most 4 MiB; empty at the end',
          content: { 'application/x-ndjson': { schema: { type: 'string' } } },
        },
        ...refused,
      },
    },
  },
} as const

export const auditSchemas = {
  KeysAnswer: {
    type: 'object',
    required: ['keys', 'realm', 'sample'],
    properties: {
      keys: {
        type: 'array',
        items: {
          type: 'object',
          required: [
            'id',
            'stream',
            'epoch',
            'created',
            'destroyed',
            'due',
            'handed_to',
            'entries',
            'reconciled',
            'unsigned',
          ],
          properties: {
            id: { type: 'string' },
            stream: { enum: ['day', 'week', 'month', 'hour', 'tenant', 'site'] },
            epoch: { type: ['string', 'null'], description: 'null for tenants and sites' },
            created: time,
            destroyed: { ...timeOrNull, description: 'null while it lives' },
            due: { ...timeOrNull, description: 'When it is destroyed at the latest' },
            handed_to: { type: 'array', items: { type: 'string' } },
            entries: {
              type: 'object',
              description: 'Numbers of the audit entries',
              required: ['created', 'destroyed'],
              properties: { created: { type: 'integer' }, destroyed: { type: ['integer', 'null'] } },
            },
            reconciled: {
              type: ['boolean', 'null'],
              description: 'Whether the counts under it added up; null where nobody said',
            },
            unsigned: {
              type: 'boolean',
              description: 'Whether one of its entries comes after the newest head: not proven yet',
            },
          },
        },
      },
      ...ofRealm,
    },
  },
  AuditHeadAnswer: {
    type: 'object',
    required: ['head', 'public_key', 'realm', 'sample'],
    properties: {
      head: {
        type: ['object', 'null'],
        description: 'null before the first',
        required: ['v', 'log', 'size', 'root', 'time', 'signature'],
        properties: {
          v: { const: 1 },
          log: { type: 'string', description: 'SHA-256 of the public key' },
          size: { type: 'integer', description: 'Entries that it covers' },
          root: { type: 'string' },
          time,
          signature: { type: 'string', description: 'Ed25519, base64url' },
        },
      },
      public_key: { type: 'string', description: 'PEM' },
      ...ofRealm,
    },
  },
  AuditEntriesAnswer: {
    type: 'object',
    required: ['entries', 'signed', 'realm', 'sample'],
    properties: {
      signed: {
        type: 'integer',
        description: 'Entries that the newest head covers; later ones are not proven',
      },
      entries: {
        type: 'array',
        items: {
          type: 'object',
          required: ['seq', 'time', 'actor', 'action', 'object', 'rulebook'],
          properties: {
            seq: { type: 'integer' },
            time,
            actor: { type: 'string' },
            action: { type: 'string' },
            object: { type: 'object' },
            rulebook: { type: ['string', 'null'] },
          },
        },
      },
      ...ofRealm,
    },
  },
} as const
