import t from 'tap'
import { z } from 'zod'
import { rulebookSchema } from './schema.js'

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly oneOf?: readonly Node[]
  readonly anyOf?: readonly Node[]
  readonly description?: string
}

/** Paths of keys without a description, and of objects that let unknown keys through. */
function gaps(node: Node, path: string): readonly string[] {
  const entries = Object.entries(node.properties ?? {})
  const open = entries.length > 0 && node.additionalProperties !== false ? [`${path} is open`] : []
  const within = [
    ...entries.map(([key, inner]) => [inner, `${path}.${key}`] as const),
    ...[node.items, node.additionalProperties].map((inner) => [inner, `${path}.*`] as const),
    ...[...(node.oneOf ?? []), ...(node.anyOf ?? [])].map((inner) => [inner, path] as const),
  ]
  return [
    ...open,
    ...entries.filter(([, inner]) => !inner.description).map(([key]) => `${path}.${key}`),
    ...within.flatMap(([inner, at]) => (typeof inner === 'object' ? gaps(inner, at) : [])),
  ]
}

t.test('every key of the language has a description, and no map of keys is open', async (t) => {
  const schema = z.toJSONSchema(rulebookSchema, { io: 'input' }) as Node
  t.ok(Object.keys(schema.properties ?? {}).length > 15)
  t.same(gaps(schema, 'rulebook'), [])
})

t.test('the check of descriptions finds a gap', async (t) => {
  t.same(gaps({ properties: { a: {} }, additionalProperties: true }, 'x'), ['x is open', 'x.a'])
})
