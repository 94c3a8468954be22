/**
 * Catalogues: the files beside a rulebook that list routes, events, values or approved words. They are read as
 * strictly as the rulebook, and hashed with it.
 */
import { z } from 'zod'
import { type FieldDraft, written } from './field-schema.js'
import type { Place, Report } from './findings.js'
import { reportIssues } from './issues.js'
import { entriesOf, isMap, type Leaves, valueAt } from './leaves.js'
import { correctKeys } from './mistyped.js'
import type { DeclaredEvent } from './types.js'
import { type Path, readYaml, type YamlSource } from './yaml.js'

/** A plain file name, so that a rulebook can never name a file elsewhere on the machine. */
const FILE_NAME = /^[a-z0-9][a-z0-9_-]{0,47}(\.[a-z0-9_-]{1,16})?\.ya?ml$/
/** The rulebook's own name among its sources. */
export const RULEBOOK_FILE = 'rulebook.yaml'

/** A catalogue has so many routes, a route so many characters and segments. */
export const ROUTE_LIMITS = { routes: 5_000, characters: 256, segments: 16 } as const

const kind = z.enum(['page_view', 'feature', 'timing', 'error', 'device'])
const eventName = written(/^[a-z][a-z0-9_.-]{0,63}$/, 'invoice.save')
const event = z.strictObject({
  kind: kind.describe('the kind of the event'),
  sensitive: z
    .boolean()
    .optional()
    .describe('whether it says something that nobody should be known for: rates of 0 % and 100 % are hidden'),
})
const route = z.string().min(1).max(ROUTE_LIMITS.characters)
const value = z.union([z.string().min(1).max(64), z.number(), z.boolean()])
const word = z.string().min(1).max(64)

export const catalogueSchemas = {
  routes: z.strictObject({
    routes: z
      .array(route)
      .min(1)
      .max(ROUTE_LIMITS.routes)
      .describe('routes; a segment that begins with a colon stands for any one segment')
      .meta({ examples: [['/login', '/customers/:id', '/customers/:id/invoice/:no']] }),
  }),
  events: z.strictObject({
    events: z
      .record(eventName, event)
      .describe('event names, their kinds, and which are sensitive')
      .meta({ examples: [{ page_view: { kind: 'page_view' }, 'invoice.save': { kind: 'feature' } }] }),
  }),
  values: z.strictObject({
    values: z
      .array(value)
      .min(1)
      .max(1000)
      .describe('values that pass')
      .meta({ examples: [['8.1.0', '8.2.0']] }),
  }),
  words: z.strictObject({
    words: z
      .array(word)
      .min(1)
      .max(20_000)
      .describe('path segments that stay as they are')
      .meta({ examples: [['reports', 'settings']] }),
  }),
}

export type CatalogueFormat = keyof typeof catalogueSchemas

export interface Catalogue {
  readonly source: YamlSource
  readonly text: string
  /** whether all of it reads well; if not, what does is there */
  readonly isWhole: boolean
  /** Where an entry of its list stands. @param at its place among those that read well */
  placeOf(at: number): Place
  readonly routes?: readonly string[]
  readonly events?: Readonly<Record<string, DeclaredEvent>>
  readonly values?: readonly (string | number | boolean)[]
  readonly words?: readonly string[]
}

/** A place in the rulebook that names a catalogue. */
export interface CatalogueUse {
  readonly name: string
  readonly format: CatalogueFormat
  readonly path: Path
}

/** The catalogue that a field rule names, if it names one. */
export function catalogueUse(field: string, rule: Leaves<FieldDraft>): CatalogueUse | null {
  if (rule.do === 'template') {
    if (rule.catalogue !== undefined) {
      return { name: rule.catalogue, format: 'routes', path: ['fields', field, 'catalogue'] }
    }
    if (rule.generic !== undefined && rule.generic.words !== 'any') {
      return { name: rule.generic.words, format: 'words', path: ['fields', field, 'generic', 'words'] }
    }
  }
  if (rule.do === 'allow' && rule.catalogue !== undefined) {
    const format = field === 'event_name' ? 'events' : 'values'
    return { name: rule.catalogue, format, path: ['fields', field, 'catalogue'] }
  }
  return null
}

/** Whether a name is a plain file name beside the rulebook, and not the rulebook's own. */
export function isCatalogueName(name: string): boolean {
  return FILE_NAME.test(name) && name !== RULEBOOK_FILE
}

/** An event as it is declared: sensitive ones are marked, and no other is. */
function declared(read: z.infer<typeof event>): DeclaredEvent {
  return read.sensitive === true ? { kind: read.kind, sensitive: true } : { kind: read.kind }
}

/** The entries of a file that read well, as far as they go. */
function readEntries(
  source: YamlSource,
  format: CatalogueFormat,
): Pick<Catalogue, CatalogueFormat | 'placeOf'> {
  const raw = valueAt(source.value, [format])
  if (format === 'events') {
    const events = Object.entries(isMap(raw) ? raw : {}).flatMap(([name, entry]) => {
      const { data } = event.safeParse(entry)
      return data !== undefined && eventName.safeParse(name).success ? [[name, declared(data)] as const] : []
    })
    return { events: Object.fromEntries(events), placeOf: () => source.place([]) }
  }
  const lists = { routes: route, values: value, words: word }
  const list = entriesOf<string | number | boolean>(lists[format], raw)
  return {
    [format]: list.map(({ entry }) => entry),
    placeOf: (at) => source.place([format, list[at]?.index ?? at]),
  }
}

function readFormat(source: YamlSource, format: CatalogueFormat, text: string, report: Report): Catalogue {
  const schema = catalogueSchemas[format]
  correctKeys(source, [], schema, report)
  const result = schema.safeParse(source.value)
  if (!result.success) reportIssues(source, [], schema, result.error.issues, report)
  return { source, text, isWhole: result.success, ...readEntries(source, format) }
}

/**
 * Reads the catalogues that a rulebook names.
 * @returns by `format name`; a file of two formats is a finding of one of them
 */
export function readCatalogues(
  uses: readonly CatalogueUse[],
  rulebook: YamlSource,
  texts: Readonly<Record<string, string>>,
  report: Report,
): ReadonlyMap<string, Catalogue> {
  const read = new Map<string, Catalogue>()
  for (const { name, format, path } of uses) {
    const key = `${format} ${name}`
    if (read.has(key)) continue
    const content = Object.hasOwn(texts, name) ? texts[name] : undefined
    if (!isCatalogueName(name)) {
      report(
        'RULE_CATALOGUE_NAME',
        rulebook.place(path),
        'A catalogue is a YAML file in the same folder, not the rulebook itself.',
      )
    } else if (content === undefined) {
      report('RULE_CATALOGUE_MISSING', rulebook.place(path), `The catalogue \`${name}\` is not there.`)
    } else {
      const source = readYaml(name, content, report)
      if (source !== null) read.set(key, readFormat(source, format, content, report))
    }
  }
  return read
}
