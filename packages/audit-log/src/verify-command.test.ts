import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readLogCopy } from './log-copy.js'
import { writeLife } from './testing/sample-lives.js'
import { bytesOf, headBytes, newSigner, withoutKeys, writeLog } from './testing/sample-log.js'
import type { Verification } from './verify-log.js'

const BUNDLE = fileURLToPath(new URL('tacit-audit-verify.mjs', import.meta.url))

const signer = newSigner()
const { lines, heads } = writeLog(30, [10, 20, 28], signer, withoutKeys)

interface Answer {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the script alone in an empty folder, with no more of an environment than it needs. */
function verify(script: string, ...args: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [script, ...args],
      { cwd: join(script, '..'), env: {} },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

/** A folder with the script and a copy of a log, as an auditor has them. */
function desk(t: { testdir: () => string }): { at: (name: string) => string; script: string } {
  const dir = t.testdir()
  const at = (name: string): string => join(dir, name)
  const script = at('tacit-audit-verify.mjs')
  copyFileSync(BUNDLE, script)
  mkdirSync(at('audit'))
  writeFileSync(at('audit/entries.ndjson'), bytesOf(lines))
  writeFileSync(at('audit/heads.ndjson'), headBytes(heads))
  writeFileSync(at('public.pem'), signer.publicKey.export({ type: 'spki', format: 'pem' }))
  heads.forEach((head, number) =>
    writeFileSync(at(`head-${String(number)}.json`), JSON.stringify(head, null, 2)),
  )
  return { at, script }
}

t.test('the script is one readable file that imports nothing but Node', async (t) => {
  const text = readFileSync(BUNDLE, 'utf8')
  const imports = [...text.matchAll(/^import .*from "([^"]+)";$/gm)].map((match) => match[1])
  t.ok(imports.length > 0)
  t.same(
    imports.filter((name) => !name?.startsWith('node:')),
    [],
  )
  t.notMatch(text, /\brequire\(|\bimport\(/)
  t.ok(text.length < 60_000, `${String(text.length)} characters`)
  t.match(text, /Whether the path leads|RFC 8785/, 'with its comments')
})

t.test('a copy as it was written passes, by its folder or its file, with heads that were kept', async (t) => {
  const { at, script } = desk(t)
  const whole = await verify(script, at('audit'), '--key', at('public.pem'))
  t.same([whole.code, whole.err], [0, ''])
  t.match(
    whole.out,
    /28 entries, signed .*\nOK: 28 entries as signed; 2 after the newest head not proven\.\nNo head that was kept elsewhere was given/,
  )
  const json = await verify(
    script,
    at('audit/entries.ndjson'),
    '--key',
    at('public.pem'),
    '--head',
    at('head-1.json'),
    '--json',
  )
  t.equal(json.code, 0)
  t.same(JSON.parse(json.out), {
    ok: true,
    entries: 30,
    signed: 20,
    unsigned: 10,
    head: heads[1],
    findings: [],
    notes: [],
  })
})

t.test('what was changed fails, with code 1 and what was found', async (t) => {
  const { at, script } = desk(t)
  writeFileSync(at('audit/entries.ndjson'), bytesOf(lines.slice(0, 15)))
  writeFileSync(at('audit/heads.ndjson'), headBytes(heads.slice(0, 1)))
  const dropped = await verify(
    script,
    at('audit'),
    '--key',
    at('public.pem'),
    '--head',
    at('head-0.json'),
    '--head',
    at('head-2.json'),
  )
  t.equal(dropped.code, 1)
  t.match(dropped.out, /^The head of \S+Z \(head-2\.json\) covers 28 entries, and only 15/)
  t.match(dropped.out, /FAILED: the log is not what was signed\. \(15 entries\)\nKeep this copy/)
  t.notMatch(dropped.out, /dropped_tail|--head FILE/)
  const json = await verify(
    script,
    at('audit'),
    '--key',
    at('public.pem'),
    '--head',
    at('head-2.json'),
    '--json',
  )
  t.equal(json.code, 1)
  const { ok, findings } = JSON.parse(json.out) as Verification
  t.same([ok, findings.map(({ code }) => code)], [false, ['dropped_tail']])
})

t.test('a copy without its heads fails, unless a head was kept', async (t) => {
  const { at, script } = desk(t)
  rmSync(at('audit/heads.ndjson'))
  const key = ['--key', at('public.pem')]
  const bare = await verify(script, at('audit'), ...key)
  t.equal(bare.code, 1)
  t.match(bare.out, /^The copy has no heads[^]*FAILED: .* is not proven[^]*Copy heads\.ndjson too/)
  t.equal((await verify(script, at('audit'), ...key, '--head', at('head-2.json'))).code, 0)
})

t.test('the script checks proofs without the log, and prints what they prove', async (t) => {
  const { at, script } = desk(t)
  const reading = readLogCopy({
    entries: bytesOf(lines),
    heads: headBytes(heads),
    publicKey: signer.publicKey,
  })
  const put = (name: string, value: unknown): string => {
    writeFileSync(at(name), JSON.stringify(value))
    return at(name)
  }
  const entry = reading.inclusionProof(7, 20)
  const files = {
    entry: put('entry.json', entry),
    since: put('since.json', reading.consistencyProof(10, 28)),
    forged: put('forged.json', { ...entry, entry: { ...entry.entry, actor: 'nobody' } }),
    none: put('none.json', heads[0]),
  }
  const check = (file: string, ...given: readonly number[]) =>
    verify(
      script,
      '--proof',
      file,
      '--key',
      at('public.pem'),
      ...given.flatMap((head) => ['--head', at(`head-${String(head)}.json`)]),
    )
  const good = await check(files.entry, 1)
  t.equal(good.code, 0)
  t.match(
    good.out,
    /^OK: entry 7 is among the 20 that were signed .*\nEntry 7, written \S+Z by \S+: [a-z.]+ \{/,
  )
  const json = await verify(
    script,
    '--proof',
    files.entry,
    '--key',
    at('public.pem'),
    '--head',
    at('head-1.json'),
    '--json',
  )
  t.same(JSON.parse(json.out), { ok: true, kind: 'inclusion', entries: [entry.entry] })
  t.match(await check(files.since, 2, 0), { code: 0, out: /^OK: all 10 entries .* stand unchanged/ })
  t.match(await check(files.entry, 0), { code: 1, out: /^FAILED/ })
  t.match(await check(files.forged, 1), { code: 1, out: /^FAILED/ })
  t.match(await check(files.since, 2), { code: 2, err: /--head twice/ })
  t.match(await check(files.entry), { code: 2, err: /give it with --head/ })
  t.match(await check(files.none, 1), { code: 2, err: /none\.json is not a proof/ })
})

t.test('files that a program for Windows wrote anew are refused with a hint of that', async (t) => {
  const { at, script } = desk(t)
  const key = ['--key', at('public.pem')]
  const wide = (name: string): string => {
    writeFileSync(at(`wide-${name}`), `\ufeff${readFileSync(at(name), 'utf8')}`, 'utf16le')
    return at(`wide-${name}`)
  }
  const marked = Buffer.concat([Buffer.from('\ufeff'), readFileSync(at('head-0.json'))])
  writeFileSync(at('marked.json'), marked)
  const wideHead = ['--head', wide('head-0.json')]
  t.match(await verify(script, at('audit'), ...key, ...wideHead), {
    code: 2,
    err: /wide-head-0\.json is not a head, .*: it is UTF-16, as programs for Windows/,
  })
  t.match(await verify(script, at('audit'), ...key, '--head', at('marked.json')), {
    code: 2,
    err: /marked\.json is not a head, .*: it begins with a byte order mark/,
  })
  t.match(await verify(script, at('audit'), '--key', wide('public.pem')), {
    code: 2,
    err: /no Ed25519 public key in PEM: it is UTF-16/,
  })
  t.match(await verify(script, '--proof', wide('head-1.json'), ...key, '--head', at('head-0.json')), {
    code: 2,
    err: /is not a proof: it is UTF-16/,
  })
  for (const name of ['audit/entries.ndjson', 'audit/heads.ndjson']) {
    writeFileSync(at(name), readFileSync(at(name), 'utf8').replaceAll('\n', '\r\n'))
  }
  t.match(await verify(script, at('audit'), ...key), {
    code: 1,
    out: /^Line 1 of heads\.ndjson is not .*: its lines end in CR LF, [^]*\nLine 1 is not an entry .*: its lines end in CR LF/,
  })
})

t.test('a log of which only the key is left is found empty', async (t) => {
  const { at, script } = desk(t)
  writeFileSync(at('audit/entries.ndjson'), '')
  writeFileSync(at('audit/heads.ndjson'), '')
  const cut = await verify(script, at('audit'), '--key', at('public.pem'))
  t.match(cut, { code: 1, out: /^There is not one entry/ })
  rmSync(at('audit'), { recursive: true })
  mkdirSync(at('audit'))
  copyFileSync(at('public.pem'), at('audit/public.pem'))
  t.match(await verify(script, at('audit'), '--key', at('public.pem')), {
    code: 1,
    out: /^There is not one entry/,
  })
})

t.test('the script judges the lives of keys, by the time that it is told', async (t) => {
  const { at, script } = desk(t)
  const life = writeLife(signer, [
    ['created', '2026-08-05T00:00:00Z'],
    ['destroying', '2026-08-08T01:00:00Z'],
    ['destroyed', '2026-08-08T01:00:00Z'],
  ])
  writeFileSync(at('audit/entries.ndjson'), bytesOf(life.lines))
  writeFileSync(at('audit/heads.ndjson'), headBytes(life.heads))
  const run = (...args: string[]) => verify(script, at('audit'), '--key', at('public.pem'), ...args)
  t.match(await run(), { code: 1, out: /^Entry 3: day:2026-08-05 was destroyed 60 minutes after/ })
  t.match(await run('--destroy-after', '49h'), { code: 0 })
  t.match(await run('--grace', '2h'), { code: 0 })
  t.match(await run('--grace', 'long'), { code: 2 })
})

t.test(
  'wrong use is 2, with a file that is none of what it must be, and what cannot be read is 3',
  async (t) => {
    const { at, script } = desk(t)
    for (const args of [
      [],
      [at('audit')],
      ['--key', at('public.pem')],
      [at('audit'), 'x', '--key', at('public.pem')],
      [at('audit'), '--kee', 'x'],
    ]) {
      const { code, out, err } = await verify(script, ...args)
      t.same([code, out], [2, ''], args.join(' '))
      t.match(err, /ENTRIES_FILE_OR_DIR/)
    }
    writeFileSync(at('broken.pem'), 'no key')
    writeFileSync(at('broken.json'), 'no head')
    t.match(await verify(script, at('audit'), '--key', at('public.pem'), '--head', at('broken.json')), {
      code: 2,
      err: /broken\.json is not a head/,
    })
    for (const args of [
      [at('nothing'), '--key', at('public.pem')],
      [at('audit'), '--key', at('nothing.pem')],
      [at('audit'), '--key', at('audit')],
      [at('audit'), '--key', at('broken.pem')],
      [at('audit'), '--key', at('public.pem'), '--head', at('nothing.json')],
      ['--proof', at('nothing.json'), '--key', at('public.pem'), '--head', at('head-0.json')],
    ]) {
      const { code, out, err } = await verify(script, ...args)
      t.same([code, out], [2, ''], args.join(' '))
      t.match(err, /^There is no file|no Ed25519 public key/)
    }
    rmSync(at('audit/entries.ndjson'))
    mkdirSync(at('audit/entries.ndjson'))
    t.match(await verify(script, at('audit'), '--key', at('public.pem')), {
      code: 3,
      err: /^Cannot read it: /,
    })
    t.match(await verify(script, '--help'), { code: 0, out: /ENTRIES_FILE_OR_DIR/ })
  },
)
