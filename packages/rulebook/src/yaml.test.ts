import fc from 'fast-check'
import t from 'tap'
import { createFindingList } from './findings.js'
import { changed, FILE, load, placeOf, places, shipped, type Texts } from './testing/shipped.js'
import { MAX_CHARACTERS, readYaml } from './yaml.js'

const erp = shipped('erp')

/** What is refused, in the rulebook: name, piece before, piece after, where, code. */
const IN_RULEBOOK: readonly (readonly [string, string, string, string, string])[] = [
  ['an unknown key', 'bots: drop', 'botz: drop', 'botz', 'RULE_UNKNOWN_KEY'],
  ['a duplicate key', 'bots: drop', 'bots: drop\n"bots": count', '"bots"', 'RULE_DUPLICATE_KEY'],
  ['a duplicate key within', 'ipv4: 16,', 'ipv4: 16, ipv4: 24,', 'ipv4: 24', 'RULE_DUPLICATE_KEY'],
  ['an anchor', 'bots: drop', 'bots: &all drop', '&all', 'RULE_YAML_ANCHOR'],
  ['an anchor on a key', 'bots: drop', '&all bots: drop', '&all', 'RULE_YAML_ANCHOR'],
  ['an anchor in a list', '[gpc, dnt,', '[gpc, &x dnt,', '&x', 'RULE_YAML_ANCHOR'],
  ['an alias', 'bots: drop', 'bots: *all', '*all', 'RULE_YAML_ALIAS'],
  ['a tag', 'bots: drop', 'bots: !!str drop', '!!str', 'RULE_YAML_TAG'],
  ['a tag of its own', 'bots: drop', 'bots: !run drop', '!run', 'RULE_YAML_TAG'],
  ['a merge key', 'bots: drop', 'bots: drop\n<<: { assets: count }', '<<', 'RULE_YAML_MERGE'],
  ['a directive', '# What the ERP', '%YAML 1.1\n---\n# What the ERP', '%YAML', 'RULE_YAML_DIRECTIVE'],
  ['a second document', 'bots: drop', '---\nbots: drop', '---', 'RULE_YAML_DOCUMENTS'],
  ['a key that is a number', 'bots: drop', 'bots: drop\n7: drop', '7: drop', 'RULE_YAML_KEY'],
  ['a key that is a list', 'bots: drop', 'bots: drop\n? [a]\n: drop', '[a]\n', 'RULE_YAML_KEY'],
  [
    'a key of JavaScript',
    'bots: drop',
    'bots: drop\n__proto__: { bots: count }',
    '__proto__',
    'RULE_YAML_KEY',
  ],
  ['an invisible character', 'bots: drop', 'bots: dr\u200bop', '\u200bop', 'RULE_YAML_HIDDEN'],
  ['a direction change', 'bots: drop', 'bots: drop # \u202e', '\u202e', 'RULE_YAML_HIDDEN'],
  ['an open bracket', 'region: in\n', 'region: [in\n', '\n# Cases', 'RULE_YAML_SYNTAX'],
]

for (const [name, before, after, where, code] of IN_RULEBOOK) {
  t.test(`${name} is an error with its place`, async (t) => {
    const [old, fresh] = before.startsWith('region') ? [`\n${before}`, `\n${after}`] : [before, after]
    const texts = changed(erp, old, fresh)
    const { rulebook, findings } = load(texts)
    t.equal(rulebook, null)
    const at = code === 'RULE_YAML_SYNTAX' ? places(findings)[0] : `${code} ${placeOf(texts, where)}`
    t.ok(at?.startsWith(code))
    t.ok(places(findings).includes(at ?? ''), places(findings).join('; '))
  })
}

t.test('catalogues are read as strictly', async (t) => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['- /login', '- &a /login', '&a', 'RULE_YAML_ANCHOR'],
    ['- /login', '- *a', '*a', 'RULE_YAML_ALIAS'],
    ['- /login', '- !!str /login', '!!str', 'RULE_YAML_TAG'],
    ['routes:\n', 'extra: 1\nroutes:\n', 'extra', 'RULE_UNKNOWN_KEY'],
    ['routes:\n', 'routes: []\nroutes:\n', 'routes:\n', 'RULE_DUPLICATE_KEY'],
    ['- /login', '- { page: /login }', '{ page', 'RULE_VALUE'],
  ]
  for (const [before, after, where, code] of cases) {
    const texts = changed(erp, before, after, 'routes.yaml')
    const { rulebook, findings } = load(texts)
    t.equal(rulebook, null, code)
    t.ok(
      places(findings).includes(`${code} ${placeOf(texts, where, 'routes.yaml')}`),
      places(findings).join('; '),
    )
  }
})

t.test('an alias does not hide what else is wrong, and is said once', async (t) => {
  const texts = changed(changed(erp, 'bots: drop', 'bots: *x'), 'assets: drop', 'assetz: drop')
  t.same(
    load(texts).findings.map((finding) => finding.code),
    ['RULE_YAML_ALIAS', 'RULE_UNKNOWN_KEY'],
  )
})

t.test('joiners within Indic words are no hidden characters', async (t) => {
  const texts = changed(erp, 'title: Pages', 'title: "क्\u200dष पृष्ठ"')
  t.same(places(load(texts).findings), [])
})

t.test('deep and huge files are refused in bounded time', async (t) => {
  const started = performance.now()
  for (const text of ['['.repeat(40_000), '- '.repeat(12_000), '? '.repeat(12_000), '{a: '.repeat(8_000)]) {
    const list = createFindingList(FILE)
    t.equal(readYaml(FILE, text, list.report), null)
    t.ok(list.sorted().some((finding) => finding.code === 'RULE_TOO_LARGE'))
  }
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n')
  t.ok(load({ [FILE]: keys }).findings.at(-1)?.code === 'RULE_TOO_MANY_FINDINGS')
  t.ok(load({ [FILE]: '#'.repeat(MAX_CHARACTERS + 1) }).findings[0]?.code === 'RULE_TOO_LARGE')
  t.ok(performance.now() - started < 20_000)
})

t.test('any JSON data is read as it is, with the place of each part', async (t) => {
  const key = fc
    .stringMatching(/^[a-z]{1,8}$/)
    .filter((name) => name !== 'constructor' && name !== 'prototype')
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.stringMatching(/^[ -~]{0,20}$/)),
    tree: fc.oneof(
      { maxDepth: 5 },
      tie('leaf'),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(tree, (value) => {
      const list = createFindingList('x')
      const text = JSON.stringify({ root: value }, null, 2)
      const source = readYaml('x', text, list.report)
      if (source === null || list.sorted().length > 0) return false
      const { line, column } = source.place(['root'], 'key')
      return JSON.stringify(source.value) === JSON.stringify({ root: value }) && line === 2 && column === 3
    }),
    { numRuns: 300 },
  )
  t.pass('held in every run')
})

/** Pieces that mutations put anywhere. */
const PIECES = [
  '&a ',
  '*a',
  '!!str ',
  '<<: ',
  '---\n',
  '%TAG ! x\n',
  ': ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '|',
  '>\n',
  '\n',
  '\t',
  '? ',
  '#',
  '\0',
  '\ufeff',
  '__proto__: 1\n',
  'drop',
  '1e999',
  '.nan',
  '~',
  '50%',
  'zz: 1\n',
]

t.test('no mutation crashes, hangs, or yields a rulebook with a key that is not known', async (t) => {
  const files = Object.keys(erp)
  const mutation = fc.record({
    file: fc.constantFrom(...files),
    at: fc.nat(),
    cut: fc.nat({ max: 30 }),
    piece: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6, unit: 'binary' })),
  })
  const mutate = (texts: Texts, change: { file: string; at: number; cut: number; piece: string }): Texts => {
    const text = texts[change.file] ?? ''
    const at = change.at % (text.length + 1)
    return { ...texts, [change.file]: text.slice(0, at) + change.piece + text.slice(at + change.cut) }
  }
  const reference = load(erp).rulebook
  const shape = (value: unknown): string =>
    Object.keys(value ?? {})
      .sort()
      .join()
  // `per` is there or not.
  const shapes = new Set(reference?.statistics.map(shape))
  let refused = 0
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (changes) => {
      const { rulebook, findings } = load(changes.reduce(mutate, erp))
      if (rulebook === null) {
        refused += 1
        return (
          findings.some((finding) => finding.severity === 'error') &&
          findings.every((finding) => finding.line >= 1 && finding.column >= 1)
        )
      }
      const known =
        shape(rulebook) === shape(reference) && shape(rulebook.release) === shape(reference?.release)
      return known && rulebook.statistics.every((statistic) => shapes.has(shape(statistic)))
    }),
    { numRuns: 120 },
  )
  t.ok(refused > 20 && refused < 120, 'some mutations are refused, some do no harm')
})
