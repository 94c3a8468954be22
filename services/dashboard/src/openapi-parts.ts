/** What descriptions of paths are put together from. */

export const day = (name: string, description: string) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema: { type: 'string', format: 'date' },
})
export const choice = (name: string, description: string, values: readonly string[]) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema: { type: 'string', enum: values },
})
export const text = (name: string, description: string) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema: { type: 'string', maxLength: 256 },
})

export const count = (name: string, description: string, minimum: number, maximum?: number) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema: { type: 'integer', minimum, ...(maximum === undefined ? {} : { maximum }) },
})

export const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})
export const json = (description: string, schema: unknown) => ({
  description,
  content: { 'application/json': { schema } },
})
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

export const realm = choice(
  'realm',
  'Real data or sample data; default: real data, unless only sample data exists',
  ['main', 'sample'],
)
export const refused = {
  '400': problem('Bad query'),
  '401': problem('No valid token'),
  '403': problem('Wrong role'),
}
