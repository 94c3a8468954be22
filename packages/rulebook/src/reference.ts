/** The reference of the language: every key, what it is and how it is written. Made from the schemas, as the editors' are. */
import { catalogueJsonSchemas, type JsonSchema, rulebookJsonSchema } from './json-schema.js'
import { exampleValue, flowText } from './schema-text.js'
import { catalogueSchemas } from './catalogues.js'
import { rulebookSchema } from './schema.js'
import { FIELD_SOURCES, type FieldOrigin, sourceOf } from './sources.js'

/** How an entry of a map whose names are free is called in a path. */
const NAME = '<name>'
/** An example that is longer than this stands on lines of its own. */
const MAX_LINE = 100

const code = (text: string): string => `\`${text}\``
const listed = (values: readonly unknown[]): string => values.map((value) => code(String(value))).join(', ')

/** `from 1 to 3`, `at least 1`, `at most 3` or nothing. */
function range(least: number | undefined, most: number | undefined): string {
  const isOpen = most === undefined || most >= Number.MAX_SAFE_INTEGER
  if (isOpen) return least === undefined ? '' : `, at least ${least}`
  return least === undefined ? `, at most ${most}` : `, from ${least} to ${most}`
}

/** Bounds that stand in the description already. */
const HAS_BOUNDS = /\([^()]*\)$/

/** What a list holds. */
function listForm({ items = {}, maxItems, minItems = 0 }: JsonSchema): string {
  if (items.enum !== undefined) return `a list of ${listed(items.enum)}`
  const many = maxItems === undefined ? `${minItems} or more` : `${minItems} to ${maxItems}`
  const nouns: Readonly<Record<string, string>> = { object: 'maps of keys', integer: 'whole numbers' }
  const form = items.anyOf === undefined ? nouns[items.type ?? ''] : 'texts, numbers, or `true` and `false`'
  return `a list of ${many} ${form ?? formOf(items).replace('text', 'texts')}`
}

/** What may stand there. */
function formOf(node: JsonSchema): string {
  if (node.const !== undefined) return code(String(node.const))
  if (node.enum !== undefined) return listed(node.enum)
  const several = node.oneOf ?? node.anyOf
  if (several !== undefined) return several.map(formOf).join(', or ')
  const bounds = HAS_BOUNDS.test(node.description ?? '') ? '' : range(node.minimum, node.maximum)
  switch (node.type) {
    case 'array':
      return listForm(node)
    case 'object':
      return 'a map of keys'
    case 'integer':
      return `a whole number${bounds}`
    case 'number':
      return `a number${bounds}`
    case 'boolean':
      return '`true` or `false`'
    default: {
      const like = node.examples?.[0]
      if (node.maxLength === undefined && like !== undefined) return `text like ${code(flowText(like))}`
      return node.maxLength === undefined ? 'text' : `text of at most ${node.maxLength} characters`
    }
  }
}

/** An example of a key, short enough for a table; nothing where its parts have their own. */
function exampleOf(node: JsonSchema): string {
  const [own] = node.examples ?? node.items?.examples?.map((entry) => [entry]) ?? []
  const value = own ?? node.const ?? node.enum?.[0]
  if (value !== undefined) return flowText(value)
  return node.items?.enum === undefined ? '' : flowText([node.items.enum[0]])
}

/** One row of a table: what stands in a cell holds no bar of its own. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const HEAD = [
  row(['key', 'what it is', 'what may stand there', 'needed', 'example']),
  '|---|---|---|---|---|',
]

const hasKeys = ({ properties }: JsonSchema): boolean => properties !== undefined

/** Rows of the keys of a map, and of the maps within it. */
function rows(node: JsonSchema, prefix: string): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const path = `${prefix}${key}`
    const isNeeded = node.required?.includes(key) === true ? 'yes' : 'no'
    const map = inner.properties === undefined ? inner.anyOf?.find(hasKeys) : inner
    const example = map === inner ? '' : exampleOf(inner)
    const own = row([
      code(path),
      inner.description ?? '',
      formOf(inner),
      isNeeded,
      example === '' ? '' : code(example),
    ])
    return [own, ...(map === undefined ? [] : rows(map, `${path}.`))]
  })
}

const fenced = (text: string): readonly string[] => ['```yaml', text, '```', '']

/** A value under its key, as people write it: on one line where it fits, else each key on its own. */
export function exampleText(key: string, value: unknown): string {
  const line = `${key}: ${flowText(value)}`
  if (line.length <= MAX_LINE || typeof value !== 'object' || value === null) return line
  const lines = Array.isArray(value)
    ? value.map((entry) => `  - ${flowText(entry)}`)
    : Object.entries(value).map(([name, inner]) => `  ${name}: ${flowText(inner)}`)
  return [`${key}:`, ...lines].join('\n')
}

/** What the keys of a section are called: an entry's name is free, and so is a list's place. */
function within(key: string, node: JsonSchema): readonly [node: JsonSchema, prefix: string] {
  const entry = node.additionalProperties
  if (typeof entry === 'object') return [entry, `${key}.${NAME}.`]
  return node.items === undefined ? [node, `${key}.`] : [node.items, `${key}[].`]
}

/** @param example of the whole section, as it stands in a rulebook */
function section(key: string, node: JsonSchema, example: string): readonly string[] {
  const [inner, prefix] = within(key, node)
  const needed = `${node.description ?? ''}`
  const body =
    inner.oneOf === undefined ? [...HEAD, ...rows(inner, prefix), ''] : choices(inner.oneOf, prefix)
  return [`## ${code(key)}`, '', `${capital(needed)}.`, '', ...fenced(example), ...body]
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** What may be done to a field: a table of its keys for each `do`. */
function choices(options: readonly JsonSchema[], prefix: string): readonly string[] {
  return options.flatMap((option) => {
    const { do: chosen = {}, ...others } = option.properties ?? {}
    const transform = String(chosen.const)
    const fields = fieldsOf(transform).map((field) => (field === PROP ? field : code(field)))
    return [
      `### ${code(`do: ${transform}`)}`,
      '',
      `${capital(chosen.description ?? '')}. For ${fields.join(', ')}.`,
      '',
      ...fenced(FIELD_EXAMPLES[transform] ?? fieldExample(transform, option)),
      ...HEAD,
      ...rows({ ...option, properties: others }, prefix),
      '',
    ]
  })
}

/** A rule with the keys that are required. */
function fieldExample(transform: string, { properties = {}, required = [] }: JsonSchema): string {
  const stated = required.filter((key) => key !== 'do').map((key) => [key, properties[key]?.examples?.[0]])
  const [field = ''] = fieldsOf(transform)
  return exampleText(field === PROP ? 'load_ms' : field, { do: transform, ...Object.fromEntries(stated) })
}

/** Where the required keys alone are no good rule. */
const FIELD_EXAMPLES: Readonly<Record<string, string>> = {
  template: [
    'path: { do: template, catalogue: routes.yaml, otherwise: /other }',
    'from_path: { do: template, generic: { words: words.yaml } }',
  ].join('\n'),
  allow: [
    'role: { do: allow, values: [admin, accounts], otherwise: other }',
    'event_name: { do: allow, catalogue: events.yaml, otherwise: drop_event }',
    'cohort: { do: allow, pattern: month }',
  ].join('\n'),
  generalise: 'user_agent: { do: generalise, to: [browser, os, device], max_bits: 4 }',
  drop: 'search_text: { do: drop, because: free text }',
}

const PROP = 'props of events'

/** The fields that a transform is known to be safe for. */
function fieldsOf(transform: string): readonly string[] {
  const names = [...Object.keys(FIELD_SOURCES), 'device_model']
  const fitting = (name: string): boolean => sourceOf(name).transforms.some((one) => one === transform)
  return [...names.filter(fitting), ...(fitting(PROP) ? [PROP] : [])]
}

const ORIGINS: Readonly<Record<FieldOrigin, string>> = {
  request: 'the request itself',
  token: 'the token that the ERP signs',
  page: 'what the page says of itself',
  event: 'the event',
}

/** The fields there are, where each comes from and what may be done to it. */
function fieldTable(): readonly string[] {
  const names = [...Object.keys(FIELD_SOURCES), 'device_model', PROP]
  const lines = names.map((name) => {
    const { from, transforms } = sourceOf(name)
    return row([name === PROP ? `any other name: ${PROP}` : code(name), ORIGINS[from], listed(transforms)])
  })
  return [row(['field', 'comes from', '`do` may be']), '|---|---|---|', ...lines, '']
}

const CATALOGUES: Readonly<Record<keyof typeof catalogueSchemas, string>> = {
  routes: 'The pages there are: named by `catalogue` of a field with `do: template`.',
  events: 'The events there are, each with its kind: named by `catalogue` of the field `event_name`.',
  values: 'Values that pass: named by `catalogue` of any other field with `do: allow`.',
  words: 'Segments of paths that stay as they are: named by `generic.words` of a field with `do: template`.',
}

function catalogues(): readonly string[] {
  const schemas = catalogueJsonSchemas()
  return Object.entries(catalogueSchemas).flatMap(([format, zod]) => {
    const key = format as keyof typeof catalogueSchemas
    const node = schemas[key].properties?.[key] ?? {}
    const value = exampleValue(zod.shape[key as never])
    const [entry, prefix] = within(key, node)
    const table = [...HEAD, ...rows(schemas[key], ''), ...rows(entry, prefix), '']
    return [`### A file of ${format}`, '', CATALOGUES[key], '', ...fenced(blockText(key, value)), ...table]
  })
}

/** A catalogue has an entry a line. */
function blockText(key: string, value: unknown): string {
  const lines = Array.isArray(value)
    ? value.map((entry) => `  - ${flowText(entry)}`)
    : Object.entries(value as object).map(([name, inner]) => `  ${name}: ${flowText(inner)}`)
  return [`${key}:`, ...lines].join('\n')
}

const INTRODUCTION = `# The keys of a rulebook

<!-- Made by \`npm run docs\` from packages/rulebook/src/schema.ts and catalogues.ts; a test keeps it current. -->

Every key that a rulebook may state, by its path: \`keep.log\` is the key \`log\` of the section \`keep\`; where \`${NAME}\`
stands, the name is yours: lower-case letters, digits and underscores. A key that is not listed here is refused. There are no
silent defaults: what is needed must be stated, and what another key decides is said with the key. How a rulebook is
written, tried and made to rule: [rulebook.md](rulebook.md). Bounds are what \`tacit rules check\` holds a value to.

It is YAML: \`key: value\`, one to a line; what belongs to a key stands below it, indented by two spaces (no tabs), or behind it in
brackets: \`{ key: value, key: value }\`, \`[item, item]\`. What follows a \`#\` is a comment. Text that looks like a number needs
quotation marks: \`"3"\`.
`

/** The page's text, Markdown. */
export function rulebookReference(): string {
  const schema = rulebookJsonSchema()
  const shape: Readonly<Record<string, Parameters<typeof exampleValue>[0]>> = rulebookSchema.shape
  const isSection = (node: JsonSchema): boolean =>
    node.type === 'object' || node.items?.properties !== undefined
  const keys = Object.entries(schema.properties ?? {})
  const example = (key: string): string => {
    const inner = shape[key]
    return exampleText(key, inner === undefined ? null : exampleValue(inner))
  }
  const alone = keys.filter(([, node]) => !isSection(node))
  const top: JsonSchema = { ...schema, properties: Object.fromEntries(alone) }
  const sections = keys.filter(([, node]) => isSection(node))
  return [
    INTRODUCTION,
    '## The rulebook itself',
    '',
    ...fenced(alone.map(([key]) => example(key)).join('\n')),
    ...HEAD,
    ...rows(top, ''),
    ...sections.map(([key, node]) => sectionRow(key, node, schema)),
    '',
    ...sections.flatMap(([key, node]) => [
      ...section(key, node, example(key)),
      ...(key === 'fields' ? ['### The fields there are', '', ...fieldTable()] : []),
    ]),
    '## Catalogues',
    '',
    'A catalogue is a YAML file beside the rulebook, and is hashed and signed with it.',
    '',
    ...catalogues(),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

/** The row of a section in the first table. */
function sectionRow(key: string, node: JsonSchema, { required = [] }: JsonSchema): string {
  const isNeeded = required.includes(key) ? 'yes' : 'no'
  const link = `[below](#${key})`
  return row([code(key), node.description ?? '', `${formOf(node)}: ${link}`, isNeeded, ''])
}
