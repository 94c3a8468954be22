/** What still reads well in a value that as a whole does not: so that one mistake hides no other. */
import { z } from 'zod'
import type { Path, YamlSource } from './yaml.js'

/** A value of which any key may be missing; of a field rule all but its `do`. */
export type Leaves<T> = T extends readonly unknown[] | string | number | boolean | null | undefined
  ? T
  : T extends { readonly do: infer Do }
    ? { readonly do: Do } & Partial<Omit<T, 'do'>>
    : Partial<T>

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at a path of plain data, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined
  }
  return value
}

/** Whether anything stands at a path, readable or not: what is stated and wrong is not missing. */
export function isStated(source: YamlSource, path: Path): boolean {
  return source.isUnknown(path) || valueAt(source.value, path) !== undefined
}

/**
 * The schema of a map of keys, where a value is to be one; a discriminated union is followed by the value's own `do`,
 * and any other by the map that is among its options.
 */
export function mapSchema(schema: z.core.$ZodType, value: unknown): z.ZodObject | null {
  if (schema instanceof z.ZodOptional) return mapSchema(schema.def.innerType, value)
  if (schema instanceof z.ZodObject) return schema
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return mapOption(schema)
  const chosen = valueAt(value, ['do'])
  const option = schema.options.find(
    (candidate) => candidate instanceof z.ZodObject && valueAt(candidate.shape['do'], ['value']) === chosen,
  )
  return option instanceof z.ZodObject ? option : null
}

/** The map among the options of a union, where it has one. */
export function mapOption(schema: z.core.$ZodType): z.ZodObject | null {
  if (schema instanceof z.ZodOptional) return mapOption(schema.def.innerType)
  if (!(schema instanceof z.ZodUnion)) return null
  return schema.options.find((option) => option instanceof z.ZodObject) ?? null
}

/** The schema of what stands at a path below a value, or null where the schema ends before. */
export function schemaAt(schema: z.core.$ZodType, value: unknown, path: Path): z.core.$ZodType | null {
  const [step, ...rest] = path
  if (step === undefined) return schema
  if (schema instanceof z.ZodOptional) return schemaAt(schema.def.innerType, value, path)
  const inner =
    schema instanceof z.ZodArray
      ? schema.element
      : schema instanceof z.ZodRecord
        ? schema.valueType
        : mapSchema(schema, value)?.shape[step]
  return inner === undefined ? null : schemaAt(inner, valueAt(value, [step]), rest)
}

/** The keys of a map that read well by themselves; undefined where the value is no such map. */
export function leavesOf<T>(schema: z.ZodType<T>, value: unknown): Leaves<T> | undefined {
  const map = mapSchema(schema, value)
  if (map === null || !isMap(value)) return undefined
  const leaves: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(map.shape)) {
    if (!Object.hasOwn(value, key)) continue
    const result = z.safeParse(inner, value[key])
    if (result.success) leaves[key] = result.data
  }
  // Each key was read by the schema of that key.
  return leaves as Leaves<T>
}

/** The entries of a list that read well, each with where it stands in the list. */
export function entriesOf<T>(
  schema: z.ZodType<T>,
  value: unknown,
): readonly { readonly index: number; readonly entry: T }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((raw: unknown, index) => {
    const result = schema.safeParse(raw)
    return result.success ? [{ index, entry: result.data }] : []
  })
}
