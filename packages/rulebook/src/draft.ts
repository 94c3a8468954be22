/** A rulebook while it is checked: each part that reads well is there, so that one mistake hides no other. */
import type { z } from 'zod'
import type { FieldDraft } from './field-schema.js'
import type { Report } from './findings.js'
import { reportIssues, reportUnknownKey } from './issues.js'
import { entrySchemas, NAME, rulebookSchema, type SiteDraft, type StatisticDraft } from './schema.js'
import type { Path, YamlSource } from './yaml.js'

/** The entries of a map that read well, and the names of those that did not. */
export interface Entries<T> {
  readonly good: ReadonlyMap<string, T>
  readonly broken: ReadonlySet<string>
  /** whether the map itself is there */
  readonly present: boolean
}

type Shape = typeof rulebookSchema.shape
type Section = Exclude<keyof Shape, 'sites' | 'fields' | 'statistics'>

export type Draft = { readonly [K in Section]: z.output<Shape[K]> | undefined } & {
  readonly source: YamlSource
  readonly sites: Entries<SiteDraft>
  readonly fields: Entries<FieldDraft>
  readonly statistics: Entries<StatisticDraft>
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function read<T>(
  source: YamlSource,
  path: Path,
  value: unknown,
  schema: z.ZodType<T>,
  report: Report,
): T | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  reportIssues(source, path, schema, result.error.issues, report)
  return undefined
}

function readEntries<T>(
  source: YamlSource,
  key: string,
  value: unknown,
  schema: z.ZodType<T>,
  report: Report,
): Entries<T> {
  const good = new Map<string, T>()
  const broken = new Set<string>()
  if (!isMap(value)) {
    if (value === undefined) report('RULE_MISSING_KEY', source.place([]), `The key \`${key}\` is missing.`)
    else if (!source.isUnknown([key]))
      report('RULE_VALUE', source.place([key]), `${key} must be a map of keys.`)
    return { good, broken, present: false }
  }
  for (const [name, entry] of Object.entries(value)) {
    const data = read(source, [key, name], entry, schema, report)
    const named = NAME.test(name)
    if (!named)
      report(
        'RULE_NAME',
        source.place([key, name], 'key'),
        `\`${name}\` is not a name for an entry of \`${key}\`.`,
      )
    if (data === undefined || !named) broken.add(name)
    else good.set(name, data)
  }
  return { good, broken, present: true }
}

/** Reads every part of a rulebook's plain value. */
export function readDraft(source: YamlSource, report: Report): Draft {
  const { shape } = rulebookSchema
  if (!isMap(source.value)) report('RULE_VALUE', source.place([]), 'A rulebook is a map of keys.')
  const root = isMap(source.value) ? source.value : {}
  for (const key of Object.keys(root)) {
    if (!Object.hasOwn(shape, key)) reportUnknownKey(source, [key], Object.keys(shape), report)
  }
  const section = <T>(key: Section, schema: z.ZodType<T>): T | undefined =>
    read(source, [key], Object.hasOwn(root, key) ? root[key] : undefined, schema, report)
  const entries = <T>(key: 'sites' | 'fields' | 'statistics', schema: z.ZodType<T>): Entries<T> =>
    readEntries(source, key, Object.hasOwn(root, key) ? root[key] : undefined, schema, report)
  return {
    source,
    rulebook: section('rulebook', shape.rulebook),
    version: section('version', shape.version),
    policy: section('policy', shape.policy),
    effective: section('effective', shape.effective),
    notice: section('notice', shape.notice),
    expires: section('expires', shape.expires),
    default: section('default', shape.default),
    purpose: section('purpose', shape.purpose),
    epochs: section('epochs', shape.epochs),
    release: section('release', shape.release),
    keep: section('keep', shape.keep),
    scan: section('scan', shape.scan),
    bots: section('bots', shape.bots),
    assets: section('assets', shape.assets),
    region: section('region', shape.region),
    examples: section('examples', shape.examples),
    sites: entries('sites', entrySchemas.sites),
    fields: entries('fields', entrySchemas.fields),
    statistics: entries('statistics', entrySchemas.statistics),
  }
}
