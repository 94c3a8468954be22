/** From zod's issues to findings: each with the place in the file, plain words, and the nearest right name. */
import { z } from 'zod'
import { allowed } from './bounds.js'
import { writtenLike } from './field-schema.js'
import type { Report } from './findings.js'
import { mapOption, mapSchema, schemaAt, valueAt } from './leaves.js'
import { nearest } from './nearest.js'
import { exampleValue, flowText } from './schema-text.js'
import type { Path, YamlSource } from './yaml.js'

type Issue = z.core.$ZodIssue

/** How a path reads in a message: `fields.path.otherwise`, `statistics.pages.by[0]`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

/** The keys that the schema knows at `path`. */
function knownKeys(schema: z.core.$ZodType, value: unknown, path: Path): readonly string[] {
  const inner = schemaAt(schema, value, path)
  const map = inner === null ? null : mapSchema(inner, valueAt(value, path))
  return map === null ? [] : Object.keys(map.shape)
}

/** A union fails in several ways: the one that fits the shape of the value is the one to tell. */
function flatten(issue: Issue, value: unknown): readonly Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const within = issue.errors.find((errors) =>
    errors.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  )
  const isNested = typeof value === 'object' && value !== null
  const chosen = isNested && within !== undefined ? within : (issue.errors[0] ?? [])
  return chosen.flatMap((inner) => {
    const moved = { ...inner, path: [...issue.path, ...inner.path] }
    return flatten(moved, valueAt(value, inner.path as Path))
  })
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

/** Names as one reads them: `a`, `b` or `c`. */
function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``)
  const last = quoted.at(-1) ?? ''
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} or ${last}`
}

function choices(values: readonly unknown[], value: unknown): Told {
  const names = values.map(String)
  const near = typeof value === 'string' ? nearest(value, names) : null
  const said = `must be ${names.length > 2 ? 'one of ' : ''}${alternatives(names)}.`
  if (near !== null) return { said: `${said} Did you mean \`${near}\`?`, fix: `Write \`${near}\`.` }
  return { said, ...(names.length > 2 ? {} : { fix: `Write ${alternatives(names)}.` }) }
}

/** Where a word or a map may stand. */
function choiceOrMap(values: readonly unknown[], schema: z.core.$ZodType, key: string | null): Told {
  const names = alternatives(values.map(String))
  const like = `${key === null ? '' : `${key}: `}${flowText(exampleValue(schema))}`
  return { said: `must be ${names} or a map of keys.`, fix: `Write ${names}, or \`${like}\`.` }
}

/** What the discriminator (`do`) may be; zod gives it beside the issue's declared members. */
function discriminatorOptions(issue: Issue): readonly unknown[] {
  const options = valueAt(issue, ['options'])
  return Array.isArray(options) ? options : []
}

/** How a text is written, where its schema says so by an example, and what is allowed of such texts. */
function formOf(
  schema: z.core.$ZodType | null,
): { readonly like: string; readonly bounds: string | null } | null {
  if (schema instanceof z.ZodOptional) return formOf(schema.def.innerType)
  const example: unknown =
    schema === null ? undefined : valueAt(z.globalRegistry.get(schema), ['examples', 0])
  if (schema === null || typeof example !== 'string') return null
  return { like: example, bounds: allowed.get(schema)?.text ?? null }
}

interface Told {
  /** one sentence's end, after the path */
  readonly said: string
  readonly fix?: string
}

/** Characters of a value that a message shows. */
const MAX_SHOWN = 6

/** What a bound counts, by what is bounded. */
const BOUND_WORDS: Readonly<Record<string, readonly [verb: string, one: string, many: string]>> = {
  string: ['have', ' character', ' characters'],
  array: ['have', ' entry', ' entries'],
}

function bounded(origin: string, least: string, bound: number | bigint): Told {
  const [verb, one, many] = BOUND_WORDS[origin] ?? ['be', '', '']
  const unit = Number(bound) === 1 ? one : many
  return { said: `must ${verb} ${least} ${bound}${unit}.`, fix: 'Keep to the bound that the message names.' }
}

function wrongForm(schema: z.core.$ZodType | null): Told {
  const form = formOf(schema)
  if (form === null) return { said: 'is not of its form.' }
  return { said: `${writtenLike(form.like, form.bounds)}.`, fix: `Write it like \`${form.like}\`.` }
}

/** @param key under which the value stands; null in a list */
function wrongType(
  expected: string,
  value: unknown,
  schema: z.core.$ZodType | null,
  key: string | null,
): Told {
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  if (expected === 'string' && isScalar && schema !== null && z.safeParse(schema, String(value)).success) {
    const text = String(value)
    // A long number could be somebody's; it is not repeated.
    if (text.length > MAX_SHOWN)
      return { said: 'must be text, and this is none without quotes.', fix: 'Put it in quotation marks.' }
    return { said: `must be text, and \`${text}\` without quotes is none.`, fix: `Write \`"${text}"\`.` }
  }
  if (expected === 'string' && formOf(schema) !== null) return wrongForm(schema)
  const words = TYPE_WORDS[expected] ?? expected
  const example = schema === null ? undefined : exampleValue(schema)
  if (example === undefined) return { said: `must be ${words}.`, fix: `Write ${words}.` }
  const like = `${key === null ? '' : `${key}: `}${flowText(example)}`
  return { said: `must be ${words}.`, fix: `Write ${words}, like \`${like}\`.` }
}

/** @param schema of the value itself, where it is known @param key under which it stands; null in a list */
function told(issue: Issue, value: unknown, schema: z.core.$ZodType | null, key: string | null): Told {
  const form = formOf(schema)
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, value, schema, key)
    case 'invalid_value':
      return schema !== null && mapOption(schema) !== null
        ? choiceOrMap(issue.values, schema, key)
        : choices(issue.values, value)
    case 'invalid_union':
      return choices(discriminatorOptions(issue), value)
    case 'too_small':
      return bounded(issue.origin, 'at least', issue.minimum)
    case 'too_big':
      return bounded(issue.origin, 'at most', issue.maximum)
    case 'invalid_format':
      return wrongForm(schema)
    default:
      return {
        said: `${issue.message}.`,
        ...(form === null ? {} : { fix: `Write it like \`${form.like}\`.` }),
      }
  }
}

/** How the place of a value reads at the start of a sentence. */
const subject = (path: Path): string => (path.length === 0 ? 'The file' : `\`${pathText(path)}\``)

/** Reports a value that is no map of keys where one must stand. */
export function reportWrongType(
  source: YamlSource,
  path: Path,
  schema: z.core.$ZodType,
  report: Report,
): void {
  const { fix, said } = wrongType('object', undefined, schema, String(path.at(-1)))
  report('RULE_VALUE', source.place(path), `${subject(path)} ${said}`, fix)
}

/** Reports the issues of one part. @param prefix where the part stands in the file */
export function reportIssues(
  source: YamlSource,
  prefix: Path,
  schema: z.core.$ZodType,
  issues: readonly Issue[],
  report: Report,
): void {
  const root = valueAt(source.value, prefix)
  const flat = issues.flatMap((issue) => flatten(issue, valueAt(root, issue.path as Path)))
  for (const issue of flat) {
    const inner = issue.path as Path
    const path = [...prefix, ...inner]
    if (source.isUnknown(path)) continue
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, root, inner)
      for (const key of issue.keys) reportUnknownKey(source, [...path, key], known, report)
      continue
    }
    const value = valueAt(source.value, path)
    if (issue.code === 'invalid_key') {
      report('RULE_NAME', source.place(path, 'key'), `\`${pathText(path)}\` is not a name.`)
    } else if (value === undefined) {
      reportMissingKey(source, path, schemaAt(schema, root, inner), report)
    } else {
      const last = path.at(-1)
      const key = typeof last === 'string' ? last : null
      const { fix, said } = told(issue, value, schemaAt(schema, root, inner), key)
      report('RULE_VALUE', source.place(path), `${subject(path)} ${said}`, fix)
    }
  }
}

/** Reports a key that is not there. @param schema of its value, where it is known: the remedy shows one */
export function reportMissingKey(
  source: YamlSource,
  path: Path,
  schema: z.core.$ZodType | null,
  report: Report,
): void {
  const example = schema === null ? undefined : exampleValue(schema)
  const like = example === undefined ? '' : `, like \`${String(path.at(-1))}: ${flowText(example)}\``
  const message = `The key \`${pathText(path)}\` is missing.`
  report('RULE_MISSING_KEY', source.place(path), message, `Add the key${like}.`)
}

/** Reports a key that this version does not know, with the nearest one that it does. */
export function reportUnknownKey(
  source: YamlSource,
  path: Path,
  known: readonly string[],
  report: Report,
): void {
  const place = source.place(path, 'key')
  const near = nearest(String(path.at(-1)), known)
  const message = `The key \`${pathText(path)}\` is not known.${near === null ? '' : ` Did you mean \`${near}\`?`}`
  report(
    'RULE_UNKNOWN_KEY',
    place,
    message,
    near === null ? undefined : `Write \`${near}\`, or remove the key.`,
  )
}
