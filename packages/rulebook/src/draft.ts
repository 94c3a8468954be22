/** A rulebook while it is checked: each part that reads well is there, so that one mistake hides no other. */
import type { z } from 'zod'
import type { FieldDraft } from './field-schema.js'
import type { Report } from './findings.js'
import { reportIssues, reportMissingKey, reportUnknownKey, reportWrongType } from './issues.js'
import { isMap, isStated, type Leaves, leavesOf } from './leaves.js'
import { correctKeys } from './mistyped.js'
import { entrySchemas, NAME, rulebookSchema, type SiteDraft, type StatisticDraft } from './schema.js'
import type { Path, YamlSource } from './yaml.js'

/** The entries of a map that read well, and the names of those that did not. */
export interface Entries<T> {
  readonly good: ReadonlyMap<string, T>
  readonly broken: ReadonlySet<string>
  /** the good ones, and of the broken ones the keys that read well: what lints look at */
  readonly read: ReadonlyMap<string, Leaves<T>>
  /** whether the map itself is there */
  readonly present: boolean
}

type Shape = typeof rulebookSchema.shape
type Section = Exclude<keyof Shape, 'sites' | 'fields' | 'statistics'>

const SECTIONS = Object.keys(rulebookSchema.shape).filter(
  (key) => !Object.hasOwn(entrySchemas, key),
) as Section[]

/** The parts that read well as a whole: what a rulebook is built of. */
export type WholeSections = { readonly [K in Section]: z.output<Shape[K]> | undefined }

/** The sections with every key of them that reads well: what lints look at. */
type SectionLeaves = { readonly [K in Section]: Leaves<z.output<Shape[K]>> | undefined }

export type Draft = SectionLeaves & {
  readonly source: YamlSource
  readonly whole: WholeSections
  readonly sites: Entries<SiteDraft>
  readonly fields: Entries<FieldDraft>
  readonly statistics: Entries<StatisticDraft>
}

/** Whether a key of a draft is there and could not be read: its own finding says so, and no lint can judge it. */
export function isBroken({ source }: Draft, value: unknown, path: Path): boolean {
  return value === undefined && isStated(source, path)
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
  key: 'sites' | 'fields' | 'statistics',
  value: unknown,
  schema: z.ZodType<T>,
  report: Report,
): Entries<T> {
  const good = new Map<string, T>()
  const broken = new Set<string>()
  const leaves = new Map<string, Leaves<T>>()
  if (!isMap(value)) {
    if (value === undefined) reportMissingKey(source, [key], rulebookSchema.shape[key], report)
    else if (!source.isUnknown([key])) reportWrongType(source, [key], rulebookSchema.shape[key], report)
    return { good, broken, read: leaves, present: false }
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
    // A whole is the most leaves that there are.
    const left = data === undefined ? leavesOf(schema, entry) : (data as Leaves<T>)
    if (left !== undefined) leaves.set(name, left)
  }
  return { good, broken, read: leaves, present: true }
}

/** Reads every part of a rulebook's plain value. */
export function readDraft(source: YamlSource, report: Report): Draft {
  const { shape } = rulebookSchema
  if (!isMap(source.value)) report('RULE_VALUE', source.place([]), 'A rulebook is a map of keys.')
  correctKeys(source, [], rulebookSchema, report)
  const root = isMap(source.value) ? source.value : {}
  for (const key of Object.keys(root)) {
    if (!Object.hasOwn(shape, key)) reportUnknownKey(source, [key], Object.keys(shape), report)
  }
  const valueOf = (key: keyof Shape): unknown => (Object.hasOwn(root, key) ? root[key] : undefined)
  const entries = <T>(key: 'sites' | 'fields' | 'statistics', schema: z.ZodType<T>): Entries<T> =>
    readEntries(source, key, valueOf(key), schema, report)
  const whole: Record<string, unknown> = {}
  const leaves: Record<string, unknown> = {}
  for (const key of SECTIONS) {
    const schema: z.ZodType = shape[key]
    whole[key] = read(source, [key], valueOf(key), schema, report)
    leaves[key] = whole[key] ?? leavesOf(schema, valueOf(key))
  }
  // Each section was read by its own schema.
  return {
    ...(leaves as SectionLeaves),
    source,
    whole: whole as WholeSections,
    sites: entries('sites', entrySchemas.sites),
    fields: entries('fields', entrySchemas.fields),
    statistics: entries('statistics', entrySchemas.statistics),
  }
}
