/** From zod's issues to findings: each with the place in the file, plain words, and the nearest right name. */
import { z } from 'zod'
import type { Report } from './findings.js'
import { laterFeature } from './later.js'
import { nearest } from './nearest.js'
import type { Path, YamlSource } from './yaml.js'

type Issue = z.core.$ZodIssue

/** How a path reads in a message: `fields.path.otherwise`, `statistics.pages.by[0]`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined
  }
  return value
}

/** The keys that the schema knows at `path`; a discriminated union is followed by the value's own `do`. */
function knownKeys(schema: z.core.$ZodType, value: unknown, path: Path): readonly string[] {
  if (schema instanceof z.ZodOptional) return knownKeys(schema.def.innerType, value, path)
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const chosen = valueAt(value, ['do'])
    const option = schema.options.find(
      (candidate) => candidate instanceof z.ZodObject && valueAt(candidate.shape['do'], ['value']) === chosen,
    )
    return option === undefined ? [] : knownKeys(option, value, path)
  }
  if (schema instanceof z.ZodObject) {
    const [step, ...rest] = path
    if (step === undefined) return Object.keys(schema.shape)
    const inner: z.core.$ZodType | undefined = schema.shape[step]
    return inner === undefined ? [] : knownKeys(inner, valueAt(value, [step]), rest)
  }
  if (schema instanceof z.ZodArray) {
    const [step, ...rest] = path
    return step === undefined ? [] : knownKeys(schema.element, valueAt(value, [step]), rest)
  }
  return []
}

/** A union fails in several ways: the one that fits the shape of the value is the one to tell. */
function flatten(issue: Issue, value: unknown): readonly Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const list = issue.errors.find((errors) => errors.some((inner) => inner.path.length > 0))
  const chosen = Array.isArray(value) && list !== undefined ? list : (issue.errors[0] ?? [])
  return chosen.flatMap((inner) => {
    const moved = { ...inner, path: [...issue.path, ...inner.path] }
    return flatten(moved, valueAt(value, inner.path as Path))
  })
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text (put it in quotes)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

function choices(values: readonly unknown[], value: unknown): string {
  const names = values.map(String)
  const near = typeof value === 'string' ? nearest(value, names) : null
  const hint = near === null ? '' : ` Did you mean \`${near}\`?`
  return names.length === 1
    ? `is \`${names[0]}\`, nothing else.${hint}`
    : `is one of ${names.join(', ')}.${hint}`
}

/** What the discriminator (`do`) may be; zod gives it beside the issue's declared members. */
function discriminatorOptions(issue: Issue): readonly unknown[] {
  const options = valueAt(issue, ['options'])
  return Array.isArray(options) ? options : []
}

/** One sentence's end, after the path. */
function said(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}.`
    case 'invalid_value':
      return choices(issue.values, value)
    case 'invalid_union':
      return choices(discriminatorOptions(issue), value)
    case 'too_small':
      return `must have or be at least ${issue.minimum}.`
    case 'too_big':
      return `must have or be at most ${issue.maximum}.`
    case 'invalid_format':
      return 'is not written as its format asks.'
    default:
      return `${issue.message}.`
  }
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
      report('RULE_MISSING_KEY', source.place(path), `The key \`${pathText(path)}\` is missing.`)
    } else {
      const message = `${pathText(path)} ${said(issue, value)}`
      // A custom issue says how the value is written.
      const fix = issue.code === 'custom' ? `Here a value ${issue.message}.` : undefined
      report('RULE_VALUE', source.place(path), message, fix)
    }
  }
}

/** Reports a key that this version does not know, with the nearest one that it does. */
export function reportUnknownKey(
  source: YamlSource,
  path: Path,
  known: readonly string[],
  report: Report,
): void {
  const place = source.place(path, 'key')
  const later = laterFeature(path)
  if (later !== null) {
    report('RULE_NOT_OFFERED', place, `${pathText(path)} (${later}) is not offered yet.`)
    return
  }
  const near = nearest(String(path.at(-1)), known)
  const message = `The key \`${pathText(path)}\` is not known.${near === null ? '' : ` Did you mean \`${near}\`?`}`
  report(
    'RULE_UNKNOWN_KEY',
    place,
    message,
    near === null ? undefined : `Write \`${near}\`, or remove the key.`,
  )
}
