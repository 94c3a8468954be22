/**
 * Mutants of the ERP's rulebook after its parsing: changes that the linter would refuse, as if it had not. What people
 * were promised must not hang on the linter alone.
 */
import type { FieldRule, Rulebook } from '@tacit/rulebook'

export interface CompiledMutation {
  readonly name: string
  mutate(rulebook: Rulebook): Rulebook
}

const SIGNALS = [
  'gpc',
  'dnt',
  'objected',
  'tenant_opted_out',
  'account_closed',
  'not_adult',
  'wrong_region',
] as const

const field = (name: string, rule: FieldRule, what: string): CompiledMutation => ({
  name: `${name} ${what}`,
  mutate: (rulebook) => ({ ...rulebook, fields: { ...rulebook.fields, [name]: rule } }),
})
const site = (change: Partial<Rulebook['sites'][string]>, name: string): CompiledMutation => ({
  name,
  mutate: (rulebook) => {
    const erp = rulebook.sites['erp']
    if (erp === undefined) throw new Error('no site erp')
    return { ...rulebook, sites: { ...rulebook.sites, erp: { ...erp, ...change } } }
  },
})
const release = (change: Partial<Rulebook['release']>): CompiledMutation => ({
  name: `release ${JSON.stringify(change)}`,
  mutate: (rulebook) => ({ ...rulebook, release: { ...rulebook.release, ...change } }),
})
const keep = (change: Partial<Rulebook['keep']>): CompiledMutation => ({
  name: `keep ${JSON.stringify(change)}`,
  mutate: (rulebook) => ({ ...rulebook, keep: { ...rulebook.keep, ...change } }),
})
const epochs = (change: Partial<Rulebook['epochs']>): CompiledMutation => ({
  name: `epochs ${JSON.stringify(change)}`,
  mutate: (rulebook) => ({ ...rulebook, epochs: { ...rulebook.epochs, ...change } }),
})

const ROUTES = { do: 'template', generic: { words: 'any' } } as const

export const COMPILED_MUTATIONS: readonly CompiledMutation[] = [
  ...SIGNALS.map((signal) => ({
    name: `refuse_when without ${signal}`,
    mutate: (rulebook: Rulebook) => {
      const refuseWhen = new Set([...rulebook.purpose.refuseWhen].filter((other) => other !== signal))
      return { ...rulebook, purpose: { ...rulebook.purpose, refuseWhen } }
    },
  })),
  {
    name: 'consent lasts two years',
    mutate: (rulebook) => ({ ...rulebook, purpose: { ...rulebook.purpose, maxConsentAgeMonths: 24 } }),
  },
  site({ lawfulBasis: 'exempt-measurement' }, 'the ERP claims the exemption of audience measurement'),
  site({ identity: 'network' }, 'the ERP counts people by their address'),
  site({ origins: ['https://erp.example.in', 'http://erp.example.in'] }, 'an origin without encryption'),
  site({ origins: ['https://erp.example.in', 'null'] }, 'an origin of no page'),
  site({ region: 'eu' }, 'the site of another region'),
  { name: 'no scan', mutate: (rulebook) => ({ ...rulebook, scan: null }) },
  {
    name: 'a scan for nothing',
    mutate: (rulebook) => ({ ...rulebook, scan: { detectors: [], onHit: 'drop_event' } }),
  },
  { name: 'crawlers count', mutate: (rulebook) => ({ ...rulebook, bots: 'count' }) },
  field('client_ip', { do: 'truncate', ipv4: 24, ipv6: 32, keeps: 'country' }, 'is cut to /24'),
  field('client_ip', { do: 'truncate', ipv4: 16, ipv6: 48, keeps: 'country' }, 'is cut to /48'),
  field('client_ip', { do: 'truncate', ipv4: 32, ipv6: 128, keeps: 'country' }, 'is not cut at all'),
  field('client_ip', { do: 'truncate', ipv4: 16, ipv6: 32, keeps: 'network' }, 'leaves as its network'),
  field('user_id', { do: 'pseudonym', scope: ['tenant'] }, 'is the same for ever'),
  field('timestamp', { do: 'coarsen', toMs: 60_000 }, 'leaves as a minute'),
  field('timestamp', { do: 'coarsen', toMs: 1 }, 'leaves as it is'),
  field('path', ROUTES, 'is templated by what looks like a word'),
  field('from_path', ROUTES, 'is templated by what looks like a word'),
  field('user_agent', { do: 'generalise', to: ['browser', 'os', 'device'], maxBits: 7 }, 'within seven bits'),
  field('role', { do: 'allow', pattern: 'month' }, 'by another pattern'),
  field('load_ms', { do: 'bucket', edges: [1, 2, 812, 813] }, 'in steps of one'),
  field('note', { do: 'allow', values: ['zzz'] }, 'is kept'),
  field('search_text', { do: 'allow', values: ['invoice'] }, 'is kept'),
  release({ minUsers: 1 }),
  release({ minUsers: 9 }),
  release({ minTenants: 1 }),
  release({ maxShare: 1 }),
  release({ maxPersonShare: 1 }),
  release({ maxEventsPerPerson: 1_000_000 }),
  release({ step: 1 }),
  release({ step: 5 }),
  keep({ logMs: 1e12 }),
  keep({ stagingAfterEpochMs: 1e12 }),
  keep({ releasedMonths: 1_000 }),
  keep({ auditDays: 1 }),
  keep({ spoolBytes: 2 ** 40 }),
  epochs({ destroyKeyAfterMs: 1e12 }),
  epochs({ latenessMs: 1e10 }),
  epochs({ streams: ['day', 'week', 'month'] }),
]
