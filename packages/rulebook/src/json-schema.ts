/** JSON Schemas of a rulebook and its catalogues, made from the zod schemas, so that editors complete and check. */
import { z } from 'zod'
import { catalogueSchemas } from './catalogues.js'
import { rulebookSchema } from './schema.js'

type JsonSchema = Readonly<Record<string, unknown>>

function jsonSchema(schema: z.ZodType, title: string): JsonSchema {
  // The input side: what a person writes, before durations become milliseconds.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return { $schema, title, ...rest }
}

/** The schema of a whole rulebook (JSON Schema 2020-12). */
export function rulebookJsonSchema(): JsonSchema {
  return jsonSchema(rulebookSchema, 'A Tacit rulebook')
}

/** The schema of any catalogue: routes, events, values or words. */
export function catalogueJsonSchema(): JsonSchema {
  return jsonSchema(z.union(Object.values(catalogueSchemas)), 'A catalogue of a Tacit rulebook')
}
