/** Keys and audit log from the shell: what a privacy officer asks, and what an auditor is handed. */
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import type { InclusionProof, SignedHead } from '@tacit/audit-log'
import t, { type Test } from 'tap'
import {
  auditDesk,
  changedLog,
  DAYS,
  json,
  type Key,
  STEP,
  type Verified,
  workDays,
} from '../support/audit-desk.js'
import { tacit } from '../support/tacit.js'

const desk = auditDesk(t.testdir())
const { audit, byKept, dir, kept, ofData } = desk

// The runner has a limit for the file.
t.setTimeout(0)
t.before(() => workDays(desk))

t.test('keys: every root that ever was, who was given keys of it, and its entries', async (t) => {
  const { keys } = json<{ keys: readonly Key[] }>(await tacit(['keys', ...ofData, '--json']))
  const days = keys.filter(({ stream }) => stream === 'day')
  t.same(
    days.map(({ created, destroyed, epoch, handed_to: to }) => [epoch, created, destroyed, to]),
    [5, 6, 7, 8].map((day) => [
      `day:2026-08-0${String(day)}`,
      `2026-08-0${String(day)}T00:00:00Z`,
      day === 5 ? '2026-08-08T00:00:00Z' : null,
      ['collector/eu-1'],
    ]),
  )
  t.equal(keys.filter(({ stream }) => stream === 'hour').length, (DAYS * 24) / STEP)
  const log = json<{ entries: readonly { seq: number; action: string; object: { key?: string } }[] }>(
    await tacit(['audit', 'log', ...ofData, '--json']),
  )
  for (const { entries, id } of keys) {
    t.match(log.entries[entries.created - 1], {
      seq: entries.created,
      action: 'key.created',
      object: { key: id },
    })
    if (entries.destroyed === null) continue
    t.match(log.entries[entries.destroyed - 1], { action: 'key.destroyed', object: { key: id } })
  }
  t.notMatch(JSON.stringify(keys), /SECRET/)
})

t.test('keys: the table is for people, and says what it leaves out', async (t) => {
  const [all, living, hours] = await Promise.all([
    tacit(['keys', ...ofData]),
    tacit(['keys', ...ofData, '--living']),
    tacit(['keys', ...ofData, '--stream', 'hour', '--living']),
  ])
  t.match(
    all.stdout,
    /day:2026-08-05 +2026-08-05T00:00:00Z +2026-08-08T00:00:00Z .* collector\/eu-1 +#\d+, #\d+\n/,
  )
  t.match(
    all.stdout,
    /1 root of a tenant is left out; see it with --stream tenant\.\n16 log hours are left out; see them with --stream hour\.\n\d+ living, \d+ destroyed\.\n$/,
  )
  t.notMatch(living.stdout, /day:2026-08-05/)
  t.match(living.stdout, /day:2026-08-08[^]* 0 destroyed/)
  t.match(hours.stdout, /hour:2026-08-08T18[^]*4 living, 0 destroyed/)
})

t.test('audit verify: sound against a kept key and head, and says where it proves less', async (t) => {
  const [strong, weak, machine] = await Promise.all([
    tacit(['audit', 'verify', ...ofData, ...byKept]),
    tacit(['audit', 'verify', ...ofData]),
    tacit(['audit', 'verify', ...ofData, ...byKept, '--json']),
  ])
  t.same([strong.code, weak.code, machine.code], [0, 0, 0])
  t.match(strong.stdout, /died in time, or need not be dead yet\.\nOK: \d+ entries as signed\.\n/)
  t.notMatch(strong.stdout, /--head FILE|--key FILE/)
  t.match(weak.stdout, /Bring the key from elsewhere: --key FILE\n.*Bring one: --head FILE/)
  const late = JSON.parse(readFileSync(join(kept, 'late.json'), 'utf8')) as SignedHead
  t.match(json<Verified>(machine), {
    ok: true,
    findings: [],
    head: late,
    entries: late.size,
    signed: late.size,
    unsigned: 0,
    realm: 'main',
    sample: false,
  })
})

t.test('audit verify: a log that is being written is cut at its last whole line', async (t) => {
  const folder = join(dir, 'written', 'main', 'audit')
  cpSync(audit, folder, { recursive: true })
  writeFileSync(join(folder, 'entries.ndjson'), '{"entry":{"action":"key', { flag: 'a' })
  const live = await tacit(['audit', 'verify', '--data', join(dir, 'written'), ...byKept])
  t.equal(live.code, 0, live.stdout)
  const copy = await tacit(['audit', 'verify', '--log', folder, ...byKept, '--json'])
  t.equal(copy.code, 1, 'of a copy that somebody hands over it is said')
  t.same(
    json<Verified>(copy).findings.map(({ code }) => code),
    ['unfinished'],
  )
})

const CHANGES: readonly (readonly [string, (lines: readonly string[]) => readonly string[], RegExp])[] = [
  [
    'a changed entry',
    (all) => all.map((line, at) => (at === 9 ? line.replace('eu-1', 'eu-2').replace('T00:', 'T01:') : line)),
    /^Something between entry 9 and entry 10 was changed: the head of \S+Z/,
  ],
  ['a dropped tail', (all) => all.slice(0, 20), /the end was dropped/],
  [
    'two entries in another order',
    (all) => [...all.slice(0, 3), all[4] ?? '', all[3] ?? '', ...all.slice(5)],
    /should be entry 4/,
  ],
  ['an entry less', (all) => all.toSpliced(5, 1), /should be entry 6/],
]
for (const [name, change, finding] of CHANGES) {
  t.test(`audit verify: ${name} ends with 1, and says what to do`, async (t) => {
    const folder = changedLog(desk, name.replaceAll(' ', '-'), change)
    const [text, machine] = await Promise.all([
      tacit(['audit', 'verify', '--log', folder, ...byKept]),
      tacit(['audit', 'verify', '--log', folder, ...byKept, '--json']),
    ])
    t.same([text.code, machine.code], [1, 1])
    t.match(text.stdout, finding)
    t.match(text.stdout, /FAILED[^]*as evidence/)
    t.notMatch(
      text.stdout,
      /not proven|\([a-z_]+\)/,
      'in words, and of nothing that was signed that it is not',
    )
    t.equal(json<Verified>(machine).ok, false)
  })
}

t.test('audit verify: a changed log ends with 1 also where sample data lies beside it', async (t) => {
  const data = join(dir, 'two-realms')
  for (const realm of ['main', 'sample']) cpSync(audit, join(data, realm, 'audit'), { recursive: true })
  const entries = join(data, 'main', 'audit', 'entries.ndjson')
  writeFileSync(entries, readFileSync(entries, 'utf8').replace('{"entry"', '{ "entry"'))
  const found = await tacit(['audit', 'verify', '--data', data, ...byKept, '--json'])
  t.equal(found.code, 1, found.stderr)
  t.match(json<Verified>(found).findings, [{ code: 'line' }])
})

t.test('keys and audit log say of what is not as it was signed that it is not', async (t) => {
  const cut = changedLog(desk, 'cut', (all) => all.slice(0, 19))
  const torn = changedLog(desk, 'torn', () => [])
  writeFileSync(join(torn, 'entries.ndjson'), 'x')
  const [keys, log, none] = await Promise.all([
    tacit(['keys', '--log', cut, '--json']),
    tacit(['audit', 'log', '--log', cut, '--json']),
    tacit(['keys', '--log', torn]),
  ])
  t.match([keys.code, keys.stderr], [1, /not what was signed.*`tacit audit verify`/])
  t.match([log.code, log.stderr], [1, /not what was signed/])
  const { entries, signed } = json<{ entries: readonly { unsigned: boolean }[]; signed: number }>(log)
  t.ok(signed < 19, 'what the newest head that holds does not cover is not signed')
  t.equal(entries.filter(({ unsigned }) => unsigned).length, 19 - signed)
  t.match([none.code, none.stderr], [3, /no entry though its key is there/])
})

t.test('audit verify: who brings the key needs none beside the log', async (t) => {
  const folder = changedLog(desk, 'broken-key', (all) => all)
  writeFileSync(join(folder, 'public.pem'), 'no key')
  t.equal((await tacit(['audit', 'verify', '--log', folder, ...byKept])).code, 0)
  t.equal((await tacit(['audit', 'key', '--log', folder])).code, 2)
})

t.test('audit prove: an entry, and that nothing changed since a kept head, without the log', async (t) => {
  const entry = join(dir, 'entry.json')
  const since = join(dir, 'since.json')
  const early = JSON.parse(readFileSync(join(kept, 'early.json'), 'utf8')) as SignedHead
  const made = await Promise.all([
    tacit(['audit', 'prove', ...ofData, '--entry', '7', '--out', entry]),
    tacit(['audit', 'prove', ...ofData, '--from', String(early.size), '--out', since]),
  ])
  t.same(
    made.map(({ code }) => code),
    [0, 0],
  )
  t.ok(readFileSync(entry).length <= 3_000)
  const key = ['--key', join(kept, 'public.pem')]
  const heads = ['early', 'late'].map((name) => join(kept, `${name}.json`))
  const [early1, late1] = heads as [string, string]
  const proof = JSON.parse(readFileSync(entry, 'utf8')) as InclusionProof
  const forged = join(dir, 'forged.json')
  writeFileSync(forged, JSON.stringify({ ...proof, entry: { ...proof.entry, actor: 'nobody' } }))
  const check = (file: string, ...given: readonly string[]) =>
    tacit(['audit', 'verify', '--proof', file, ...key, ...given.flatMap((head) => ['--head', head])])
  const [good, unchanged, other, bad] = await Promise.all([
    check(entry, late1),
    check(since, early1, late1),
    check(entry, early1),
    check(forged, late1),
  ])
  t.same([good.code, unchanged.code, other.code, bad.code], [0, 0, 1, 1])
  t.match(
    good.stdout,
    /^OK: entry 7 is among the \d+.*\nEntry 7, written \S+Z by keeper: \S+ .* \(key\.[a-z]+\)\n$/,
  )
  t.match(made[0]?.stdout, /entry\.json: that entry 7 is among[^]*\nEntry 7, written/)
  t.match(unchanged.stdout, /^OK: all \d+ entries .* stand unchanged/)
  t.match(bad.stdout, /^FAILED/)
})

t.test('who has only a copy reads it like a data directory', async (t) => {
  const [log, keys, one, proof, head] = await Promise.all([
    tacit(['audit', 'log', '--log', audit]),
    tacit(['keys', '--log', audit]),
    tacit(['audit', 'log', '--log', join(audit, 'entries.ndjson'), '--key', 'day:2026-08-05', '--json']),
    tacit(['audit', 'prove', '--log', audit, '--key', 'day:2026-08-05']),
    tacit(['audit', 'head', '--log', audit, '--json']),
  ])
  t.match(log.stdout, /earlier ones are left out/)
  t.match(keys.stdout, /day:2026-08-05 +\S+ +\S+ +—[^]*\n— No rulebook lies here/)
  const { entries } = json<{ entries: readonly { action: string; object: { key: string } }[] }>(one)
  t.same([entries.at(0)?.action, entries.at(-1)?.action], ['key.created', 'key.destroyed'])
  t.ok(entries.every(({ object }) => object.key === 'day:2026-08-05'))
  t.match(proof.stderr, /Entry \d+, written .*was made.*\nEntry \d+, written .*was destroyed/)
  t.equal(json<{ kind: string }>(proof).kind, 'key')
  t.same(json<SignedHead>(head), JSON.parse(readFileSync(join(kept, 'late.json'), 'utf8')))
})

t.test('a copy without its heads, and a key of another log, are said in words', async (t) => {
  const folder = changedLog(desk, 'headless', (all) => all)
  rmSync(join(folder, 'heads.ndjson'))
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
  writeFileSync(join(dir, 'other.pem'), other)
  const key = ['--key', join(kept, 'public.pem')]
  const [bare, by, early, stranger] = await Promise.all([
    tacit(['audit', 'verify', '--log', folder, ...key]),
    tacit(['audit', 'verify', '--log', folder, ...key, '--head', join(kept, 'late.json')]),
    tacit(['audit', 'verify', '--log', folder, ...byKept]),
    tacit(['audit', 'verify', '--log', audit, '--key', join(dir, 'other.pem')]),
  ])
  t.same([bare.code, by.code, early.code, stranger.code], [1, 0, 1, 1])
  t.match(bare.stdout, /^The copy has no heads/)
  t.match(
    early.stdout,
    /^Entries \d+ to \d+, written over 2 days, are covered by no head[^]*FAILED: .* not proven/,
  )
  t.match(
    stranger.stdout,
    /^This key is of another log \(the sample and real data have different ones\)\.\nFAILED: nothing/,
  )
})

t.test('audit head, key and script: what is kept and handed over works with Node alone', async (t) => {
  const [head, key, early] = await Promise.all([
    tacit(['audit', 'head', ...ofData, '--json']),
    tacit(['audit', 'key', ...ofData]),
    tacit(['audit', 'head', ...ofData, '--size', '3']),
  ])
  t.same(json<SignedHead>(head), JSON.parse(readFileSync(join(kept, 'late.json'), 'utf8')))
  t.equal(key.stdout.trim(), readFileSync(join(kept, 'public.pem'), 'utf8').trim())
  t.equal(early.code, 2)
  t.match(early.stderr, /No head covers exactly so many entries; the nearest cover \d+/)
  const script = join(dir, 'verify.mjs')
  t.equal((await tacit(['audit', 'script', '--out', script])).code, 0)
  const folder = changedLog(desk, 'for-the-script', (all) => all.slice(0, 20))
  const run = (path: string) => spawnSync(process.execPath, [script, path, ...byKept], { encoding: 'utf8' })
  t.equal(run(audit).status, 0)
  t.equal(run(folder).status, 1)
})

async function refuses(t: Test, args: readonly string[], code: number, says: RegExp): Promise<void> {
  const ran = await tacit(args)
  t.equal(ran.code, code, args.join(' '))
  t.match(ran.stderr, says)
  t.equal(ran.stdout, '')
}

t.test('used wrongly, each says what to do', async (t) => {
  const nothing = join(dir, 'nothing')
  mkdirSync(nothing)
  const wide = `\ufeff${readFileSync(join(kept, 'public.pem'), 'utf8')}`
  writeFileSync(join(dir, 'wide.pem'), wide, 'utf16le')
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['keys', '--data', join(dir, 'absent')], /There is no data directory/],
    [['keys', ...ofData, '--site', 'elsewhere'], /No rulebook in .* has this site/],
    [['keys', ...ofData, '--site', 'main'], /there are: |nor any other/],
    [['audit', 'head', '--data', nothing], /No audit log lies in .* yet/],
    [['keys', '--data', nothing], /No audit log lies in .* yet/],
    [['keys', '--data', audit], /--log /],
    [['audit', 'log', '--data', audit], /is an audit directory itself[^]*--log /],
    [['audit', 'log', ...ofData, '--action', 'keys.'], /No action begins with this; there are: key\.created/],
    [['audit', 'verify', ...ofData, '--key', join(kept, 'absent.pem')], /There is no file .*absent\.pem/],
    [['audit', 'verify', ...ofData, '--head', join(kept, 'public.pem')], /public\.pem is not a head/],
    [['audit', 'verify', '--log', audit], /Give the public key with --key FILE/],
    [['audit', 'verify', '--log', nothing, ...byKept], /no copy of an audit log/],
    [['audit', 'verify', ...ofData, '--key', join(kept, 'early.json')], /is no Ed25519 public key/],
    [
      ['audit', 'verify', ...ofData, '--key', join(dir, 'wide.pem')],
      /no Ed25519 public key in PEM: it is UTF-16/,
    ],
    [['audit', 'verify', '--proof', join(kept, 'early.json')], /give --head FILE and --key FILE/],
    [['audit', 'verify', '--proof', join(kept, 'early.json'), ...byKept], /early\.json is not a proof/],
    [['audit', 'prove', ...ofData], /--entry N, or the size/],
    [['audit', 'prove', ...ofData, '--key', 'day:2026-08-08'], /This key lives/],
    [['audit', 'prove', ...ofData, '--key', 'day:1999-01-01'], /knows no such key/],
    [['audit', 'verify', ...ofData, '--grace', 'long'], /--grace must be a span of time/],
    [['audit', 'prove', ...ofData, '--entry', '0'], /--entry must be a whole number above 0/],
    [['audit', 'prove', ...ofData, '--entry', '99999'], /not this one yet/],
    [['audit', 'log', ...ofData, '--from', 'x'], /--from must be a whole number/],
    [['audit', 'script', '--json'], /--out FILE/],
  ]
  await Promise.all(cases.map(([args, says]) => refuses(t, args, 2, says)))
})
