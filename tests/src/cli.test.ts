/** The command line as a user meets it: help, exit codes, and mistakes that say what to do. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Ran, rulebookPath, tacit } from './support/tacit.js'

const dir = t.testdir()
const ERP = rulebookPath('erp')

/** Writes a file for a command to read. */
function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

/** A copy of the ERP's rulebook with one piece replaced, with its catalogues beside it. */
function changedRulebook(name: string, before: string, after: string): string {
  const folder = join(dir, name)
  mkdirSync(folder)
  for (const catalogue of ['routes.yaml', 'events.yaml', 'apps.yaml']) {
    writeFileSync(join(folder, catalogue), readFileSync(join(ERP, '..', catalogue)))
  }
  const text = readFileSync(ERP, 'utf8')
  if (!text.includes(before)) throw new Error(`not in the rulebook: ${before}`)
  const path = join(folder, 'rulebook.yaml')
  writeFileSync(path, text.replace(before, after))
  return path
}

/** Several commands at once: most of their time is the start of Node. */
function all(
  commands: readonly (readonly string[])[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran[]> {
  return Promise.all(commands.map((args) => tacit(args, { env })))
}

// The runner has a limit for the file: most of what it does is starting Node some two hundred times.
t.setTimeout(0)

/** The verbs below a command, as its help lists them; those that have verbs of their own are none. */
async function verbsOf(command: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { stdout } = await tacit([...command, '--help'])
  const listed = /\nCommands:\n([^]*?)(?:\n\n|$)/.exec(stdout)?.[1] ?? ''
  const names = [...listed.matchAll(/^ {2}([a-z]+)/gm)].flatMap(([, name = '']) =>
    name === 'help' ? [] : [name],
  )
  if (names.length === 0) return [command]
  return (await Promise.all(names.map((name) => verbsOf([...command, name])))).flat()
}

t.test('every verb has a help with an example, and ends with 0', async (t) => {
  const verbs = await verbsOf([])
  t.ok(verbs.length > 20)
  const general = await tacit(['--help'])
  t.equal(general.code, 0)
  for (const [verb = ''] of verbs) t.match(general.stdout, new RegExp(`\\b${verb}\\b`))
  for (const [i, { code, stdout, stderr }] of (
    await all(verbs.map((verb) => [...verb, '--help']))
  ).entries()) {
    const name = (verbs[i] ?? []).join(' ')
    t.equal(code, 0, name)
    t.equal(stderr, '', name)
    t.match(stdout, /Examples?( \(.*\))?:\n( +#.*\n)? +\$ .*(tacit|npm run)/, name)
    t.ok(stdout.includes('--json'), `${name} has --json`)
  }
})

/** Checks that each command ends with this code, and says something that matches. */
async function refuses(
  t: Test,
  code: number,
  cases: readonly (readonly [readonly string[], RegExp])[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answers = await all(
    cases.map(([args]) => args),
    env,
  )
  for (const [i, [args, says]] of cases.entries()) {
    const name = args.join(' ').replaceAll(dir, 'DIR')
    t.equal(answers[i]?.code, code, name)
    t.match(answers[i]?.stderr, says, name)
    t.equal(answers[i]?.stdout, '', name)
    t.notMatch(answers[i]?.stderr, /\n +at .*\.js/, `${name}: no stack`)
  }
}

t.test('used wrongly ends with 2 and says what is wrong', async (t) => {
  const log = file('some.log', '')
  await refuses(t, 2, [
    [['fly'], /unknown command 'fly'/],
    [[], /Usage: tacit/],
    [['rules'], /Usage: tacit rules/],
    [['ledger', '--form', '2026-11-01'], /unknown option '--form'[^]*--from/],
    [['statistics', '--format', 'xml'], /Allowed choices are table, json, csv/],
    [['import'], /missing required argument/],
    [['import', join(dir, 'absent.log')], /There is no file/],
    [['import', log, '--format', 'w3c'], /Allowed choices are/],
    [['import', log, '--rulebook', join(dir, 'absent.yaml')], /No rulebook can be read/],
    [['up', '--port', '99999'], /--port must be a port/],
    [['up', '--dashboard-port', 'eighty'], /--dashboard-port must be a port/],
    [['token'], /required option '--role/],
    [['keys', '--stream', 'year'], /Allowed choices are day, week, month, hour, tenant, site/],
    [['audit'], /Usage: tacit audit/],
    [['audit', 'proof'], /unknown command 'proof'[^]*prove/],
    [['keeper'], /required option '--rulebook/],
    [['keeper', '--rulebook', ERP, '--port', '99999'], /--port must be a port/],
    [['keeper', '--rulebook', ERP], /`tacit keeper` speaks mutual TLS: set TACIT_TLS_CERT_FILE/],
    [['token', '--role', 'root'], /Allowed choices are product, privacy, admin/],
    [['simulate', '--days', 'many'], /--days must be a whole number/],
    [['reset'], /tacit reset --sample/],
    [['rules', 'check', join(dir, 'absent.yaml')], /No rulebook can be read/],
    [['rules', 'try', ERP, '--beacon', join(dir, 'absent.json')], /There is no file/],
    [['rules', 'try', ERP, '--now', 'tomorrow'], /--now must be a time/],
    [['rules', 'try', ERP, '--now', '5'], /--now must be a time/],
    [['rules', 'try', ERP, '--now', '2026-12-02'], /--now must be a time/],
    [['rules', 'try', ERP, '--now', '2026-02-30T10:00:00Z'], /--now must be a time/],
  ])
})

t.test('a place that no file can be written to is said in words, and nothing is overwritten', async (t) => {
  const plain = file('plain', 'mine')
  const keys = join(dir, 'keys')
  const made = await tacit(['rules', 'keygen', '--kid', 'ada', '--out', keys, '--json'])
  const [secret, open] = [join(keys, 'ada.pem'), join(keys, 'ada.jwk.json')]
  t.same(JSON.parse(made.stdout), { kid: 'ada', private_key: secret, public_key: open })
  t.equal(statSync(secret).mode & 0o777, 0o600)
  const before = readFileSync(secret, 'utf8')
  const keygen = (kid: string, out: string) => ['rules', 'keygen', '--kid', kid, '--out', out]
  await refuses(t, 2, [
    [['rules', 'explain', '--out', join(dir, 'absent', 'x.md')], /no folder for .*--out/],
    [['rules', 'explain', '--out', keys], /is a folder; name a file with --out/],
    [['rules', 'explain', '--out', join(plain, 'x')], /lies under a file/],
    [keygen('ada', keys), /ada\.pem is there already, and a key is never written over/],
    [keygen('../x', keys), /--kid is one name of at most 64 letters/],
    [keygen('', keys), /--kid is one name/],
    [keygen('a b', keys), /--kid is one name/],
    [keygen('x'.repeat(65), keys), /--kid is one name/],
    [keygen('ben', plain), /is a file, not a folder; name another place with --out/],
    [['rules', 'init', '--out', plain], /is a file, not a folder; name another place with --out/],
    [
      ['token', '--role', 'product', '--data', plain],
      /is a file, not a folder; name another place with --data/,
    ],
    [['import', plain, '--data', join(plain, 'x')], /lies under a file, not under a folder/],
  ])
  await refuses(t, 3, [
    [['rules', 'explain', '--out', '/dev/full'], /could not be written \(ENOSPC\).*ERR_OUTPUT_FILE/],
  ])
  t.equal(readFileSync(secret, 'utf8'), before)
  t.equal(readFileSync(plain, 'utf8'), 'mine')
  t.same(readdirSync(keys).sort(), ['ada.jwk.json', 'ada.pem'])
  t.notOk(existsSync(join(dir, 'x.pem')))
})

t.test(
  'P16: a variable that nothing reads is refused with the nearest right name, and never its value',
  async (t) => {
    const log = file('empty.log', '')
    await refuses(
      t,
      2,
      [
        [['up', '--data', join(dir, 'typo')], /TACIT_RATE_PER_TOKN; did you mean TACIT_RATE_PER_TOKEN\?/],
        [['import', log, '--data', join(dir, 'typo')], /did you mean TACIT_RATE_PER_TOKEN\?/],
        [['rules', 'try', ERP], /did you mean TACIT_RATE_PER_TOKEN\?/],
      ],
      { TACIT_RATE_PER_TOKN: '98765' },
    )
    const bad = await tacit(['rules', 'try', ERP], { env: { TACIT_RATE_PER_TOKEN: '-98765' } })
    t.equal(bad.code, 2)
    t.match(bad.stderr, /TACIT_RATE_PER_TOKEN is not right/)
    t.notMatch(bad.stderr, /98765/)
    const proxies = await tacit(['rules', 'try', ERP], { env: { TACIT_TRUSTED_PROXIES: '10.0.0.0/33' } })
    t.equal(proxies.code, 2)
    const keys = await tacit(['rules', 'try', ERP], {
      env: { TACIT_TOKEN_KEYS_FILE: file('keys.json', '{"keys":[{}]}') },
    })
    t.equal(keys.code, 2)
    t.match(keys.stderr, /JSON Web Key Set/)
    const test = await tacit(['rules', 'try', ERP], { env: { TACIT_TEST_ANYTHING: '1' } })
    t.equal(test.code, 0, 'what tests read is left alone')
  },
)

t.test('approvers who could approve nothing are refused before anything starts', async (t) => {
  const places = [join(dir, 'no-approvers'), file('one.json', '{"keys":[]}'), file('half.json', '{"keys":[')]
  for (const place of places) {
    await refuses(
      t,
      2,
      [
        [['up', '--data', join(dir, 'approved')], /tacit rules keygen.*ERR_ACTIVATION_APPROVERS/],
        [['rules', 'activate', ERP, '--data', join(dir, 'approved')], /TACIT_APPROVERS_FILE/],
      ],
      { TACIT_APPROVERS_FILE: place },
    )
  }
  t.notOk(existsSync(join(dir, 'approved')))
})

t.test('rules check: a sound rulebook ends with 0, and both shipped ones are sound', async (t) => {
  for (const name of ['erp', 'website'] as const) {
    const { code, stdout } = await tacit(['rules', 'check', rulebookPath(name)])
    t.equal(code, 0, name)
    t.match(stdout, /is sound \(\d+ warnings\)\. Hash [0-9a-f]{64}/, name)
  }
  const { code, stdout } = await tacit(['rules', 'check', ERP, '--json'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { ok: true, rulebook: 'erp-usage', hash: /^[0-9a-f]{64}$/ })
})

t.test('rules check: mistakes end with 1, each with its line and column', async (t) => {
  const cases = [
    ['unknown', 'default: drop #', 'defualt: drop #', 'defualt', /RULE_UNKNOWN_KEY/],
    ['duplicate', 'assets: drop\n', 'assets: drop\nbots: drop\n', null, /rulebook\.yaml:\d+:1 +error +RULE_/],
    ['anchor', 'default: drop #', 'default: &a drop #', '&a', /rulebook\.yaml:\d+:\d+ +error/],
    ['tag', 'default: drop #', 'default: !!str drop #', '!!str', /rulebook\.yaml:\d+:\d+ +error/],
    ['syntax', 'default: drop #', 'default: [drop #', null, /rulebook\.yaml:\d+:\d+ +error/],
  ] as const
  for (const [name, before, after, piece, says] of cases) {
    const path = changedRulebook(name, before, after)
    const { code, stdout } = await tacit(['rules', 'check', path])
    t.equal(code, 1, name)
    t.match(stdout, says, name)
    t.match(stdout, /mend: .+/, `${name}: says how to mend it`)
    if (piece === null) continue
    const lines = readFileSync(path, 'utf8').split('\n')
    const line = lines.findIndex((text) => text.includes(piece))
    const place = `rulebook.yaml:${String(line + 1)}:${String((lines[line] ?? '').indexOf(piece) + 1)} `
    t.ok(stdout.includes(place), `${name}: ${place}`)
  }
  const path = changedRulebook('json', 'min_users: 10', 'min_users: 3')
  const { code, stdout } = await tacit(['rules', 'check', path, '--json'])
  t.equal(code, 1)
  t.match(JSON.parse(stdout), {
    ok: false,
    rulebook: null,
    findings: [{ severity: 'error', line: Number, column: Number }],
  })
  const refused = await tacit([
    'import',
    file('one.log', ''),
    '--rulebook',
    path,
    '--data',
    join(dir, 'refused'),
  ])
  t.equal(refused.code, 1, 'and nothing runs under it')
  t.match(refused.stderr, /has 1 error/)
})

t.test('up says to machines in one document where it is, and nothing else', async (t) => {
  const bin = join(ERP, '../../../services/tacit/bin/tacit.mjs')
  const ports = ['--port', '0', '--dashboard-port', '0']
  const child = spawn(process.execPath, [bin, 'up', '--json', '--data', join(dir, 'machine'), ...ports])
  const ended = once(child, 'close')
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
    if (printed.includes('\n')) child.kill('SIGTERM')
  })
  t.same(await ended, [0, null])
  const [line = '', ...more] = printed.split('\n')
  t.same(more, [''])
  t.match(JSON.parse(line), {
    ready: true,
    beacons: /^http:.*\/v1\/beacon$/,
    product: /#token=/,
    privacy: /#token=/,
    sample: null,
    notice: /No token keys/,
  })
})

t.test('an access token is printed for each role, and opens by a link where something runs', async (t) => {
  const data = join(dir, 'token')
  const [product, json, days] = await all([
    ['token', '--role', 'product', '--data', data],
    ['token', '--role', 'privacy', '--data', data, '--json'],
    ['token', '--role', 'product', '--data', data, '--days', 'soon'],
  ])
  t.equal(product?.code, 0)
  t.match(product?.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  t.match(JSON.parse(json?.stdout ?? ''), { role: 'privacy', token: String, link: null })
  t.equal(days?.code, 2)
  t.match(days?.stderr, /between a second and 90 days/)
  t.equal(statSync(join(data, 'access.key')).mode & 0o777, 0o600)
})

t.test('an empty data directory has an empty catalogue and ledger, and no sample to remove', async (t) => {
  const data = join(dir, 'empty')
  const absent = await tacit(['ledger', '--data', data])
  t.equal(absent.code, 2, 'reading makes no data directory')
  t.match(absent.stderr, /There is no data directory/)
  mkdirSync(data)
  const run = (...args: string[]) => tacit([...args, '--data', data])
  const ledger = await run('ledger', '--json')
  t.equal(ledger.code, 0)
  t.same(JSON.parse(ledger.stdout), { rows: [] })
  t.match((await run('ledger')).stdout, /Nothing was received yet/)
  const catalogue = await run('statistics', '--json')
  t.same(JSON.parse(catalogue.stdout), [])
  const unknown = await run('statistics', 'pages')
  t.equal(unknown.code, 2)
  t.match(unknown.stderr, /ERR_STATISTIC_UNKNOWN/)
  const reset = await run('reset', '--sample', '--json')
  t.equal(reset.code, 0)
  t.same(JSON.parse(reset.stdout), { removed: false })
})
