/** What an officer proves of keys from the shell: that they died in time, and what nothing proves yet. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyProof } from '@tacit/audit-log'
import t from 'tap'
import { auditDesk, changedLog, json, type Key, type Verified, workDays } from '../support/audit-desk.js'
import { tacit } from '../support/tacit.js'

const desk = auditDesk(t.testdir())
const { audit, byKept, dir, kept, ofData } = desk

// The runner has a limit for the file.
t.setTimeout(0)
t.before(() => workDays(desk))

/** A key that lives, and a line that says that it died, which nobody signed. */
function withForgedDeath(lines: readonly string[]): readonly string[] {
  const forged = (line: string): string =>
    line
      .replace(
        '"at":"2026-08-08T00:00:00Z","key":"day:2026-08-05"',
        '"at":"2026-08-08T18:00:00Z","key":"day:2026-08-08"',
      )
      .replace(/"seq":\d+,"time":"[^"]+"/, `"seq":${String(lines.length + 2)},"time":"2026-08-08T18:00:00Z"`)
  const death = (action: string): string =>
    lines.find(
      (line) => line.includes(`"action":"key.${action}"`) && line.includes('"key":"day:2026-08-05"'),
    ) ?? ''
  const begun = forged(death('destroying')).replace(/"seq":\d+/, `"seq":${String(lines.length + 1)}`)
  return [...lines, begun, forged(death('destroyed'))]
}

t.test('a forged death after the newest head is marked as not proven wherever it shows', async (t) => {
  const folder = changedLog(desk, join('forged', 'main', 'audit'), withForgedDeath)
  const place = ['--data', join(dir, 'forged')]
  const [text, machine, keys, table, log] = await Promise.all([
    tacit(['audit', 'verify', '--log', folder, ...byKept]),
    tacit(['audit', 'verify', ...place, ...byKept, '--json']),
    tacit(['keys', ...place, '--json']),
    tacit(['keys', ...place]),
    tacit(['audit', 'log', ...place]),
  ])
  t.match(
    text.stdout,
    /2 entries after it are not proven[^]*OK: \d+ entries as signed; 2 after the newest head not proven\.\n/,
  )
  const { entries, signed, unsigned } = json<Verified>(machine)
  t.same([unsigned, entries - signed], [2, 2])
  const marked = json<{ keys: readonly Key[] }>(keys).keys.filter((key) => key.unsigned)
  t.same(
    marked.map(({ destroyed, id }) => [id, destroyed]),
    [['day:2026-08-08', '2026-08-08T18:00:00Z']],
  )
  t.match(
    table.stdout,
    /day:2026-08-08 .*#\d+, #\d+ \*\n[^]*\n\* Entries after the newest head are not proven yet/,
  )
  t.match(
    log.stdout,
    new RegExp(`#${String(signed + 2)} \\* [^]*\\n\\* After the newest head, so not proven yet`),
  )
  t.notMatch((await tacit(['keys', ...ofData])).stdout, /\*/)
})

t.test('a log of which only the key is left is found empty, and no list of keys is made of it', async (t) => {
  const folder = join(dir, 'emptied', 'main', 'audit')
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(audit, 'public.pem'), join(folder, 'public.pem'))
  for (const cut of [false, true]) {
    if (cut) writeFileSync(join(folder, 'entries.ndjson'), '')
    const [live, copy, keys] = await Promise.all([
      tacit(['audit', 'verify', '--data', join(dir, 'emptied'), '--json']),
      tacit(['audit', 'verify', '--log', folder, '--key', join(kept, 'public.pem')]),
      tacit(['keys', '--data', join(dir, 'emptied')]),
    ])
    t.same([live.code, copy.code], [1, 1])
    t.same(
      json<Verified>(live).findings.map(({ code }) => code),
      ['empty'],
    )
    t.match(copy.stdout, /not one entry[^]*FAILED[^]*Bring it back from a copy/)
    t.not(keys.code, 0)
    t.match(keys.stderr, /no entry though its key is there/)
  }
})

t.test('a log that was taken away is found, whether a sample lies beside it or not', async (t) => {
  const data = join(dir, 'removed')
  mkdirSync(join(data, 'main', 'keys'), { recursive: true })
  for (const beside of [[], ['sample']]) {
    for (const realm of beside) cpSync(audit, join(data, realm, 'audit'), { recursive: true })
    const [bare, by, keys] = await Promise.all([
      tacit(['audit', 'verify', '--data', data, '--json']),
      tacit(['audit', 'verify', '--data', data, ...byKept, '--json']),
      tacit(['keys', '--data', data]),
    ])
    t.same([bare.code, by.code, keys.code], [1, 1, 2], bare.stderr + by.stderr)
    t.match(json(bare), {
      ok: false,
      entries: 0,
      realm: 'main',
      sample: false,
      findings: [{ code: 'empty' }],
    })
    t.match(json(by), { realm: 'main', findings: [{ code: 'dropped_tail' }] })
    t.match(keys.stderr, /No audit log lies in .*, or it was taken away/)
  }
})

t.test(
  'a note that the keeper is elsewhere makes nothing pass, and hides no log of keys that lie here',
  async (t) => {
    const data = join(dir, 'elsewhere')
    for (const folder of ['keys', 'state']) mkdirSync(join(data, 'main', folder), { recursive: true })
    cpSync(audit, join(data, 'sample', 'audit'), { recursive: true })
    writeFileSync(join(data, 'main', 'keeper-elsewhere'), '')
    t.equal(
      (await tacit(['audit', 'verify', '--data', data])).code,
      1,
      'keys lie here, and their log is gone',
    )
    rmSync(join(data, 'main', 'keys'), { recursive: true })
    const alone = await tacit(['audit', 'verify', '--data', data])
    t.match([alone.code, alone.stderr], [2, /is with its keeper/], 'nor is the sample taken for it')
  },
)

t.test('audit verify: a key that lived longer than it may is found, by the time that is given', async (t) => {
  const short = ['audit', 'verify', ...ofData, ...byKept, '--destroy-after', '24h'] as const
  const [text, machine, long] = await Promise.all([
    tacit(short),
    tacit([...short, '--json']),
    tacit([...short.slice(0, -1), '3d']),
  ])
  t.same([text.code, machine.code, long.code], [1, 1, 0])
  t.match(
    text.stdout,
    /day:2026-08-05 was destroyed 24 hours after its deadline[^]*FAILED: the log stands as it was signed[^]*--destroy-after/,
  )
  t.same(
    json<Verified>(machine).findings.map(({ code }) => code),
    ['key_late', 'key_living'],
  )
})

t.test('audit prove --key: the death of one key in one document, and no other passes for it', async (t) => {
  const file = join(dir, 'death.json')
  const made = await tacit(['audit', 'prove', ...ofData, '--key', 'day:2026-08-05', '--out', file])
  t.equal(made.code, 0)
  const late = join(kept, 'late.json')
  const check = (proof: string, head = late) =>
    tacit(['audit', 'verify', '--proof', proof, '--head', head, '--key', join(kept, 'public.pem')])
  const proof = JSON.parse(readFileSync(file, 'utf8')) as KeyProof
  const forgeries: readonly KeyProof[] = [
    { ...proof, key: 'day:2026-08-06' },
    { ...proof, destroyed: proof.created },
    { ...proof, created: proof.destroyed, destroyed: proof.created },
    { ...proof, destroyed: { ...proof.destroyed, path: proof.created.path } },
  ]
  const forged = forgeries.map((one, at) => {
    const path = join(dir, `death-${String(at)}.json`)
    writeFileSync(path, JSON.stringify(one))
    return path
  })
  const [good, other, ...bad] = await Promise.all([
    check(file),
    check(file, join(kept, 'early.json')),
    ...forged.map((path) => check(path)),
  ])
  t.match(good, {
    code: 0,
    stdout: /^OK: day:2026-08-05 was made 2026-08-05T00:00:00Z and destroyed 2026-08-08T00:00:00Z; both/,
  })
  t.same(
    [other, ...bad].map((ran) => ran?.code),
    [1, 1, 1, 1, 1],
  )
})
