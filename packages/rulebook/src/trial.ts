/**
 * A rulebook for trying examples: whatever else is wrong with the file, an example that does not hold is told in the
 * same run. It rules nothing and is never stored; sections that do not read are replaced by ones that let nothing out.
 */
import { buildRulebook } from './build.js'
import { type Catalogue, catalogueUse } from './catalogues.js'
import { FINDINGS } from './codes.js'
import type { Draft, WholeSections } from './draft.js'
import { GENERALISED_FROM } from './dimensions.js'
import { entriesOf, isStated, valueAt } from './leaves.js'
import { isRoute } from './lint/catalogues.js'
import { lintField } from './lint/fields.js'
import { exampleSchema } from './schema.js'
import type { Rulebook } from './types.js'

export interface TrialExample {
  /** its place in the list, from 0 */
  readonly index: number
  readonly in: Readonly<Record<string, unknown>>
  readonly out: Readonly<Record<string, unknown>>
}

export interface Trial {
  readonly rulebook: Rulebook
  /** those whose fields have no mistake of their own */
  readonly examples: readonly TrialExample[]
}

/** Whether a field does what it says: it has no error, and neither does what its catalogue lists. */
function isSound(draft: Draft, catalogues: ReadonlyMap<string, Catalogue>, field: string): boolean {
  const rule = draft.fields.good.get(field)
  if (rule === undefined) return false
  let errors = 0
  lintField(
    { draft, catalogues, report: (code) => void (FINDINGS[code].severity === 'error' && errors++) },
    field,
    rule,
  )
  const use = catalogueUse(field, rule)
  if (errors > 0 || use === null) return errors === 0
  const catalogue = catalogues.get(`${use.format} ${use.name}`)
  return catalogue?.isWhole === true && (catalogue.routes ?? []).every(isRoute)
}

/** Sections of which a trial needs nothing: nothing passes these. */
const NOTHING: Partial<WholeSections> = {
  rulebook: 'trial',
  version: '0',
  policy: { version: '', clauses: [] },
  effective: 0,
  expires: 0,
  purpose: { id: 'trial', consent: 'analytics', max_consent_age: 0, refuse_when: [] },
  epochs: { streams: [], lateness: 0, destroy_key_after: 0, timezone: 'UTC' },
  release: { min_users: Number.MAX_SAFE_INTEGER, max_person_share: 0, max_events_per_person: 0 },
  keep: { log: 0, staging: 0, released: 0, audit: 0, spool: 0 },
  bots: 'drop',
  assets: 'drop',
  region: '',
}

/** The trial of a draft; null where not even single fields can be tried: without known events, or a scan that reads. */
export function trialOf(
  draft: Draft,
  text: string,
  catalogues: ReadonlyMap<string, Catalogue>,
): Trial | null {
  const { fields, source, whole } = draft
  const isScanBroken = whole.scan === undefined && isStated(source, ['scan'])
  if (isScanBroken || !isSound(draft, catalogues, 'event_name')) return null
  const names = [...fields.good.keys(), ...fields.broken]
  const unsound = new Set(names.filter((field) => !isSound(draft, catalogues, field)))
  const good = new Map([...fields.good].filter(([field]) => !unsound.has(field)))
  const stated = Object.entries(whole).filter(([, section]) => section !== undefined)
  const rulebook = buildRulebook(
    {
      ...draft,
      fields: { ...fields, good },
      whole: { ...whole, ...NOTHING, ...Object.fromEntries(stated), examples: [] },
    },
    text,
    catalogues,
  )
  if (rulebook === null) return null
  const open = new Set([...unsound].flatMap((field) => [field, ...dimensionsOf(field)]))
  const examples = entriesOf(exampleSchema, valueAt(source.value, ['examples']))
    .map(({ entry, index }) => ({ ...entry, index }))
    .filter(
      (example) => ![...Object.keys(example.in), ...Object.keys(example.out)].some((key) => open.has(key)),
    )
  return { rulebook, examples }
}

function dimensionsOf(field: string): readonly string[] {
  return [...(GENERALISED_FROM[field] ?? []), ...(field === 'client_ip' ? ['country'] : [])]
}
