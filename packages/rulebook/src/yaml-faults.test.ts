/** A file that is no YAML: one finding, at the line that was mistyped, in plain words. */
import t from 'tap'
import { FILE, load, shipped } from './testing/shipped.js'
import { MAX_CHARACTERS } from './yaml.js'

const erp = shipped('erp')[FILE] ?? ''
const lines = erp.split('\n')
const numberOf = (piece: string): number => lines.findIndex((line) => line.includes(piece)) + 1

/** The rulebook with some of its lines changed. */
function withLines(from: number, to: number, change: (line: string) => string): string {
  return lines.map((line, at) => (at + 1 >= from && at + 1 <= to ? change(line) : line)).join('\n')
}

/** `line message` of each finding of a text that is no YAML. */
function said(text: string): readonly string[] {
  return load({ [FILE]: text }).findings.map(({ code, line, message }) => {
    t.equal(code, 'RULE_YAML_SYNTAX', message)
    return `${line} ${message}`
  })
}

const deeper = (line: string): string => ` ${line}`
const SECTION = 'lines of one section begin in the same column.'
const title = numberOf('title: Pages')
const pages = numberOf('  pages:')
const role = numberOf('role:')
const bots = numberOf('bots:')

const CASES: readonly (readonly [name: string, text: string, said: string])[] = [
  [
    'a tab',
    withLines(bots, bots, (line) => `\t${line}`),
    `${bots} Line ${bots} begins with a tab; use spaces.`,
  ],
  [
    'a line that is one space too deep',
    withLines(title, title, deeper),
    `${title} Line ${title} is indented by 5 spaces, its neighbours by 4: ${SECTION}`,
  ],
  [
    'a line that is one space too shallow',
    withLines(title, title, (line) => line.slice(1)),
    `${title} Line ${title} is indented by 3 spaces, its neighbours by 4: ${SECTION}`,
  ],
  [
    'seven lines that are too deep',
    withLines(pages, pages + 7, deeper),
    `${pages} Line ${pages} is indented by 3 spaces, its neighbours by 2: ${SECTION}`,
  ],
  [
    'a section of which all lines but the first are too deep',
    withLines(bots + 1, bots + 2, deeper),
    `${bots + 1} Line ${bots + 1} is indented by 1 space, its neighbours by none: ${SECTION}`,
  ],
  [
    'a key of a section that begins in the first column',
    withLines(role, role, (line) => line.trimStart()),
    `${role} Line ${role} is indented by no space, its neighbours by 2: ${SECTION}`,
  ],
  [
    'the first key of a section in the first column',
    withLines(pages, pages, (line) => line.trimStart()),
    `${pages} Line ${pages} is indented by no space, its neighbours by 2: ${SECTION}`,
  ],
  [
    'a bracket that stays open',
    erp.replace('wrong_region]', 'wrong_region'),
    `${numberOf('wrong_region')} The bracket [ of line ${numberOf('wrong_region')} is not closed.`,
  ],
  [
    'a quotation mark that stays open',
    erp.replace('erp.example.in"]', 'erp.example.in]'),
    `${numberOf('erp.example.in')} The quotation mark " of line ${numberOf('erp.example.in')} is not closed in this line.`,
  ],
  [
    'a colon without a space',
    erp.replace('bots: drop', 'bots:drop'),
    `${bots} Line ${bots} has no space behind its colon.`,
  ],
  [
    'no colon',
    erp.replace('bots: drop', 'bots drop'),
    `${bots} Line ${bots} is no key with a value, and no item of a list.`,
  ],
  [
    'a comma that is missing',
    erp.replace('ipv4: 16,', 'ipv4: 16'),
    `${numberOf('ipv4: 16')} Within brackets two things are not parted.`,
  ],
  [
    'a colon within a text',
    erp.replace('title: Pages', 'title: Pages: all'),
    `${title} A second \`key: value\` stands behind the first one.`,
  ],
]

for (const [name, text, message] of CASES) {
  t.test(`${name} is said once, at its line`, async (t) => {
    t.same(said(text), [message])
    t.same(said(text.replaceAll('\n', '\r\n')), [message], 'with line ends of Windows too')
  })
}

t.test('of every line that is moved, nearly always that line is named, and never two', async (t) => {
  let refused = 0
  let named = 0
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    for (const moved of [
      ` ${line}`,
      `  ${line}`,
      line.slice(line.startsWith(' ') ? 1 : 0),
      line.trimStart(),
    ]) {
      const found = load({ [FILE]: withLines(at + 1, at + 1, () => moved) }).findings.filter(
        ({ code }) => code === 'RULE_YAML_SYNTAX',
      )
      if (found.length === 0) continue
      refused += 1
      if (found.length > 1) t.fail(`${found.length} findings for line ${at + 1}`)
      if (found[0]?.line === at + 1) named += 1
    }
  }
  t.comment(`${named} of ${refused}`)
  t.ok(refused > 300)
  t.ok(named / refused > 0.97, `${named} of ${refused}`)
})

t.test(
  'of a text that is no YAML nothing is repeated, and what stands behind the fault is not judged',
  async (t) => {
    const found = load({ [FILE]: `a: "\\q ada@example.in\nb: "*x, &y"\n` }).findings
    t.same(
      found.map(({ code, line }) => `${code} ${line}`),
      ['RULE_YAML_SYNTAX 1'],
    )
    t.notMatch(JSON.stringify(found), 'ada')
  },
)

t.test('a long text is looked at in linear time', async (t) => {
  const make = (line: (at: number) => string): string => {
    let text = ''
    for (let at = 0; text.length < MAX_CHARACTERS - 200; at++) text += `${line(at)}\n`
    return text
  }
  const shapes = [
    make((at) => `${' '.repeat(at % 7)}k${at}: 1`),
    make((at) => `${' '.repeat((at % 40) + 1)}- a:`),
    make(() => '\ta: ['),
    make(() => `a: "`),
    make(() => "  '"),
    make(() => ' a'),
    make(() => `${'- '.repeat(20)}a: b: {`),
    `a: b\n${' '.repeat(MAX_CHARACTERS - 20)}c: d`,
    `a: ${'"'.repeat(MAX_CHARACTERS - 20)}`,
  ]
  for (const text of shapes) {
    const started = performance.now()
    t.ok(load({ [FILE]: text }).rulebook === null)
    t.ok(performance.now() - started < 5_000, JSON.stringify(text.slice(0, 20)))
  }
})
