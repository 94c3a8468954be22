/** What a schema says of a value, as a person writes it: an example, for messages and for the reference. */
import { z } from 'zod'
import { valueAt } from './leaves.js'

/** An example of a value: its own where it states one, else made of those of its parts; undefined where there is none. */
export function exampleValue(schema: z.core.$ZodType): unknown {
  const own: unknown = valueAt(z.globalRegistry.get(schema), ['examples', 0])
  if (own !== undefined) return own
  if (schema instanceof z.ZodOptional) return exampleValue(schema.def.innerType)
  if (schema instanceof z.ZodPipe) return exampleValue(schema.def.in)
  if (schema instanceof z.ZodUnion) return exampleValue(schema.options[0] as z.core.$ZodType)
  if (schema instanceof z.ZodEnum) return schema.options[0]
  if (schema instanceof z.ZodLiteral) return [...schema.values][0]
  if (schema instanceof z.ZodArray) {
    const entry = exampleValue(schema.element)
    return entry === undefined ? undefined : [entry]
  }
  if (schema instanceof z.ZodRecord) {
    const name = exampleValue(schema.keyType)
    return typeof name === 'string' ? { [name]: exampleValue(schema.valueType) } : undefined
  }
  return schema instanceof z.ZodObject ? exampleMap(schema) : undefined
}

/** Each key that is required, or of several that are not the first. */
function exampleMap(schema: z.ZodObject): Record<string, unknown> {
  const entries = Object.entries(schema.shape)
  const required = entries.filter(([, inner]) => !(inner instanceof z.ZodOptional))
  const shown = required.length > 0 ? required : entries.slice(0, 1)
  return Object.fromEntries(shown.map(([key, inner]) => [key, exampleValue(inner)]))
}

/** Texts that YAML reads as they stand, also within brackets. */
const PLAIN = /^[A-Za-z0-9/(](?:[A-Za-z0-9 ._/+%()-]|:(?=[A-Za-z0-9/]))*$/
const OTHERWISE_READ = /^(?:true|false|null|\d+(?:\.\d*)?(?:e[-+]?\d+)?|0[ox][\da-f]+)$/i

/** A value as it stands in a rulebook, on one line: `{ at: 2026-10-01 }`, `[day]`, `"3"`. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${flowText(key)}: ${flowText(inner)}`)
    return `{ ${pairs.join(', ')} }`
  }
  if (typeof value !== 'string') return String(value)
  return PLAIN.test(value) && !OTHERWISE_READ.test(value) ? value : JSON.stringify(value)
}
