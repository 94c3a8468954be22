/** JSON Schemas of a rulebook and its catalogues, made from the zod schemas, so that editors complete and check. */
import { z } from 'zod'
import { boundsOf } from './bounds.js'
import { type CatalogueFormat, catalogueSchemas } from './catalogues.js'
import { rulebookSchema } from './schema.js'

/** As much of a JSON Schema as editors and the reference read of it. */
export interface JsonSchema {
  readonly title?: string
  readonly description?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly propertyNames?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
  readonly [key: string]: unknown
}

function jsonSchema(schema: z.ZodType, title: string): JsonSchema {
  // The input side: what a person writes, before durations become milliseconds.
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema: node, zodSchema }) => {
      const bounds = boundsOf(zodSchema)
      const { description = '' } = node
      if (bounds !== null && !description.endsWith(`(${bounds})`))
        node.description = `${description} (${bounds})`.trimStart()
    },
  })
  return { $schema, title, ...(rest as JsonSchema) }
}

/** The schema of a whole rulebook (JSON Schema 2020-12). */
export function rulebookJsonSchema(): JsonSchema {
  return jsonSchema(rulebookSchema, 'A Tacit rulebook')
}

/** The schema of any catalogue: routes, events, values or words. */
export function catalogueJsonSchema(): JsonSchema {
  return jsonSchema(z.union(Object.values(catalogueSchemas)), 'A catalogue of a Tacit rulebook')
}

/** The schemas of the catalogues, each by its format. */
export function catalogueJsonSchemas(): Readonly<Record<CatalogueFormat, JsonSchema>> {
  const { events, routes, values, words } = catalogueSchemas
  const schemaOf = (schema: z.ZodType) => jsonSchema(schema, '')
  return {
    routes: schemaOf(routes),
    events: schemaOf(events),
    values: schemaOf(values),
    words: schemaOf(words),
  }
}
