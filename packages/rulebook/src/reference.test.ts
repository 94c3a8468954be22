/** The reference of the language: it names every key, and what it shows can be written so. */
import t from 'tap'
import { parse } from 'yaml'
import { rulebookJsonSchema, type JsonSchema } from './json-schema.js'
import { rulebookReference } from './reference.js'
import { FILE, load } from './testing/shipped.js'

const page = rulebookReference()
const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text)

function keysOf(node: JsonSchema): readonly string[] {
  const inner = [
    ...Object.values(node.properties ?? {}),
    ...(node.oneOf ?? []),
    ...(typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []),
    ...(node.items === undefined ? [] : [node.items]),
  ]
  return [...Object.keys(node.properties ?? {}), ...inner.flatMap(keysOf)]
}

t.test('every key stands in a table with what it is, what may stand there, and an example', async (t) => {
  for (const key of new Set(keysOf(rulebookJsonSchema()))) {
    if (key !== 'do')
      t.match(page, new RegExp(`^\\| \`(?:[^\` ]*\\.)?${key}\` \\| [^|]+ \\| [^|]+ \\|`, 'm'), key)
  }
  t.notMatch(page, 'undefined')
  t.match(page, /^\| `keep\.spool` \| .* \| text like `1 GiB` \| no \| `1 GiB` \|$/m)
  const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.includes('| text'))
  t.ok(rows.length > 20)
  t.same(
    rows.filter((line) => /\|\s*\|$/.test(line)),
    [],
    'each text has an example',
  )
})

t.test('what the sections show is a rulebook of which every key and value reads', async (t) => {
  const sections = blocks.filter((text) =>
    /^(?:rulebook|policy|notice|purpose|sites|epochs|fields|statistics|release|keep|scan|examples):/.test(
      text,
    ),
  )
  t.equal(sections.length, 12)
  const catalogue = (key: string): string => blocks.find((text) => text.startsWith(`${key}:\n`)) ?? ''
  const { findings } = load({
    [FILE]: sections.join(''),
    'routes.yaml': catalogue('routes'),
    'events.yaml': catalogue('events'),
  })
  const language = findings.filter(({ code }) =>
    /YAML|_KEY$|RULE_VALUE$|RULE_NAME|CATALOGUE|RULE_FIELD_TRANSFORM/.test(code),
  )
  t.same(language, [])
  t.ok(blocks.every((text) => typeof parse(text) === 'object'))
})

t.test('the schema of editors says the bounds that the linter holds values to', async (t) => {
  const keep = rulebookJsonSchema().properties?.['keep']?.properties ?? {}
  t.match(keep['released']?.description, 'from 1 to 25 months')
  t.same(keep['released']?.examples, ['25 months'])
  t.match(
    keep['spool']?.description,
    /while Kafka does not answer.*`1 GiB` without it \(MiB or GiB, from 16 MiB to 64 GiB\)$/,
  )
  t.same(keep['spool']?.examples, ['1 GiB'])
  const tenants = rulebookJsonSchema().properties?.['release']?.properties?.['min_tenants']
  t.match(tenants?.description, /^tenants .*\(2 or more\)$/)
})
