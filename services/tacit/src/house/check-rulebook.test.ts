/** What `rules check` finds beyond the linter: people in lists, examples beside errors, files that are no text. */
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { type Finding, RULEBOOK_FILE } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import { ERP_RULEBOOK, ROOT } from './layout.js'
import { checkRulebook, readRulebook } from './rulebook-files.js'
import { readTexts } from './rulebook-texts.js'

type Texts = Readonly<Record<string, string>>
const { texts: erp } = readTexts(ERP_RULEBOOK)
const { texts: website } = readTexts(join(ROOT, 'rulebooks/website/rulebook.yaml'))

function changed(before: string, after: string, file = RULEBOOK_FILE, texts: Texts = erp): Texts {
  const parts = (texts[file] ?? '').split(before)
  if (parts.length !== 2) throw new Error(`${String(parts.length - 1)} times in ${file}: ${before}`)
  return { ...texts, [file]: parts.join(after) }
}

/** `CODE file:line:column` of each finding. */
const places = (findings: readonly Finding[]) =>
  findings.map(({ code, column, file, line }) => `${code} ${file}:${String(line)}:${String(column)}`)

/** Where a piece begins. */
function placeOf(texts: Texts, piece: string, file = RULEBOOK_FILE): string {
  const lines = (texts[file] ?? '').slice(0, (texts[file] ?? '').indexOf(piece)).split('\n')
  return `${file}:${String(lines.length)}:${String((lines.at(-1) ?? '').length + 1)}`
}

const withWords = (words: string): Texts => ({
  ...changed('words: any', 'words: words.yaml', RULEBOOK_FILE, website),
  'words.yaml': `words: [blog, ${words}]\n`,
})

/** Texts, and the piece at which the finding stands. */
const LISTED: readonly (readonly [name: string, texts: Texts, piece: string, file?: string])[] = [
  [
    'an e-mail address among values',
    changed('do: drop, because: free text', 'do: allow, values: ["ravi@example.in"]'),
    '"ravi@',
  ],
  [
    'a phone number among values',
    changed('do: drop, because: free text', 'do: allow, values: ["9876543210"]'),
    '"98765',
  ],
  [
    'a phone number that is a number',
    changed('do: drop, because: free text', 'do: allow, values: [9876543210]'),
    '98765',
  ],
  ['a PAN among roles', changed('sales, operations]', 'sales, ABCPK1234F]'), 'ABCPK'],
  [
    'a PAN as what others become',
    changed('operations], otherwise: other', 'operations], otherwise: ABCPK1234F'),
    'ABCPK',
  ],
  ['a PAN in a route', changed('- /login', '- /p/ABCPK1234F', 'routes.yaml'), '/p/', 'routes.yaml'],
  [
    'an address in a catalogue of values',
    changed('"8.2.0"', '"ravi@example.in"', 'apps.yaml'),
    '"ravi',
    'apps.yaml',
  ],
  [
    'a phone number in an event name',
    changed('bulk.import', 'bulk.9876543210', 'events.yaml'),
    'bulk.98',
    'events.yaml',
  ],
  ['a PAN among words', withWords('ABCPK1234F'), 'ABCPK', 'words.yaml'],
  ['an address in a title', changed('title: Errors', 'title: Errors of ravi@example.in'), 'Errors of'],
  ['a phone number in a reason', changed('because: free text', 'because: ask 98765 43210'), 'ask 98'],
  ['a phone number in a field name', changed('  search_text:', '  u9876543210:'), 'u98'],
]

for (const [name, texts, piece, file = RULEBOOK_FILE] of LISTED) {
  t.test(`a list with ${name} is refused`, async (t) => {
    const { findings, rulebook } = checkRulebook(RULEBOOK_FILE, texts)
    t.equal(rulebook, null)
    t.ok(
      places(findings).includes(`RULE_LISTED_PERSON ${placeOf(texts, piece, file)}`),
      places(findings).join('; '),
    )
    const listed = findings.filter(({ code }) => code === 'RULE_LISTED_PERSON')
    const said = listed.map(({ fix, message, why }) => `${message} ${why} ${fix}`).join('\n')
    t.notMatch(said, /ravi@|98765|ABCPK/, 'and what it is is not repeated')
  })
}

t.test('what is listed by the shipped rulebooks and by the example of the language is nobody', async (t) => {
  t.same(checkRulebook(RULEBOOK_FILE, erp).findings, [])
  t.notOk(checkRulebook(RULEBOOK_FILE, website).findings.some(({ severity }) => severity === 'error'))
  const alike = changed('"8.2.0"', '"8.2.1-rc.2", "2026.11.1", "INV-2026-00123"', 'apps.yaml')
  t.same(checkRulebook(RULEBOOK_FILE, alike).findings, [])
})

t.test('examples may hold what must be dropped, and many finds are counted, not listed', async (t) => {
  const many = Array.from({ length: 150 }, (_, at) => `"98765${String(10_000 + at)}"`).join(', ')
  const { findings } = checkRulebook(RULEBOOK_FILE, withWords(many))
  t.equal(findings.filter(({ code }) => code === 'RULE_LISTED_PERSON').length, 100)
  t.match(findings.find(({ code }) => code === 'RULE_TOO_MANY_FINDINGS')?.message, /^50 more/)
})

t.test('an example that does not hold is told beside other errors', async (t) => {
  const wrong = changed('out: { role: other }', 'out: { role: chief }')
  const texts = changed('min_users: 10', 'min_users: 4', RULEBOOK_FILE, wrong)
  const unread = changed('region: in\n\n#', 'region: India\n\n#', RULEBOOK_FILE, texts)
  const found = places(checkRulebook(RULEBOOK_FILE, unread).findings)
  const example = `RULE_EXAMPLE ${placeOf(unread, '{ in: { role: head')}`
  t.same(
    found.filter((place) => /EXAMPLE|MIN_USERS|RULE_VALUE/.test(place)),
    [
      `RULE_MIN_USERS ${placeOf(unread, '4\n  min_tenants')}`,
      `RULE_VALUE ${placeOf(unread, 'India')}`,
      example,
    ],
  )
  // Its own field has a mistake: which of the two is wrong cannot be told.
  const own = changed('sales, operations]', 'sales, (other)]', RULEBOOK_FILE, unread)
  t.notOk(places(checkRulebook(RULEBOOK_FILE, own).findings).includes(example))
})

/** The ERP's files in a folder of their own, one of them with other bytes. */
function folder(t: Test, file: string, content: Buffer | Record<string, string>): string {
  return join(t.testdir({ ...erp, [file]: content }), RULEBOOK_FILE)
}

t.test(
  'a file that is not UTF-8 is refused where it stops being it: two files never have one hash',
  async (t) => {
    const [before = '', after = ''] = (erp[RULEBOOK_FILE] ?? '').split('title: Errors')
    for (const byte of [0xe4, 0xe5]) {
      const bytes = Buffer.concat([
        Buffer.from(`${before}title: Err`),
        Buffer.from([byte]),
        Buffer.from(after),
      ])
      const { findings, rulebook } = readRulebook(folder(t, RULEBOOK_FILE, bytes))
      t.equal(rulebook, null)
      const line = before.split('\n').length
      t.same(places(findings), [`RULE_FILE_TEXT rulebook.yaml:${String(line)}:15`])
      t.match(findings[0]?.fix, /UTF-8/)
    }
    const routes = Buffer.concat([Buffer.from(`${erp['routes.yaml'] ?? ''}# caf`), Buffer.from([0xe9, 0x0a])])
    const { findings, rulebook } = readRulebook(folder(t, 'routes.yaml', routes))
    t.equal(rulebook, null)
    t.equal(findings[0]?.code, 'RULE_FILE_TEXT')
    t.equal(findings[0]?.file, 'routes.yaml')
  },
)

t.test('a mark at the start is part of the text', async (t) => {
  const marked = readRulebook(folder(t, RULEBOOK_FILE, Buffer.from(`\ufeff${erp[RULEBOOK_FILE] ?? ''}`)))
  t.ok(marked.rulebook)
  t.not(marked.rulebook?.hash, readRulebook(ERP_RULEBOOK).rulebook?.hash)
})

t.test('a catalogue that is a folder is a finding of its own', async (t) => {
  const { findings } = readRulebook(folder(t, 'apps.yaml', { inside: '' }))
  t.same(places(findings), ['RULE_FILE_TEXT apps.yaml:1:1'])
})

t.test('a folder, a device and a huge file are told as what they are', async (t) => {
  t.throws(() => readRulebook(dirname(ERP_RULEBOOK)), {
    code: 'ERR_INPUT_FILE',
    message: /is a folder; did you mean .*rulebook\.yaml/,
  })
  t.throws(() => readRulebook(t.testdir({})), {
    code: 'ERR_INPUT_FILE',
    message: /is a folder; name the rulebook in it/,
  })
  t.throws(() => readRulebook('/dev/zero'), { code: 'ERR_INPUT_FILE', message: /neither a file nor a pipe/ })
  const { findings } = readRulebook(folder(t, RULEBOOK_FILE, Buffer.alloc(3_000_000, 'ä\n')))
  t.same(places(findings), ['RULE_TOO_LARGE rulebook.yaml:1:1'])
})

t.test('a rulebook may come through a pipe', async (t) => {
  const tacit = join(ROOT, 'services/tacit/bin/tacit.mjs')
  const command = `cat '${ERP_RULEBOOK}' | '${process.execPath}' '${tacit}' rules check /dev/stdin`
  const said = execFileSync('sh', ['-c', command], { cwd: dirname(ERP_RULEBOOK), encoding: 'utf8' })
  t.match(said, /erp-usage .* is sound/)
})
