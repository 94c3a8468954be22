import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import t from 'tap'
import { createTestCa, withoutOpenssl } from '../testing/certificates.js'
import { openTlsFiles, type TlsPaths } from './tls-files.js'

const skip = withoutOpenssl
const nothing = (): void => {}

/** Copies a set into `dir`, over what is there. */
function install(
  dir: string,
  from: TlsPaths,
  parts: readonly (keyof TlsPaths)[] = ['cert', 'key', 'ca'],
): TlsPaths {
  const at = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'ca.crt') }
  for (const part of parts) copyFileSync(from[part], at[part])
  chmodSync(at.key, 0o600)
  return at
}

t.test('a key that others may read is refused, and the message says what to do', { skip }, (t) => {
  const paths = createTestCa(t.testdir()).issue('a', { names: ['DNS:a'] })
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644]) {
    chmodSync(paths.key, mode)
    t.throws(() => openTlsFiles(paths, nothing), {
      code: 'ERR_TLS_FILES',
      message: /^TACIT_TLS_KEY_FILE: .*chmod 600/,
    })
  }
  chmodSync(paths.key, 0o400)
  t.doesNotThrow(() => openTlsFiles(paths, nothing).close())
  t.end()
})

t.test('what is missing, no PEM, too large, or does not belong together is refused', { skip }, (t) => {
  const dir = t.testdir()
  const ca = createTestCa(dir)
  const [one, two] = [ca.issue('one', { names: ['DNS:a'] }), ca.issue('two', { names: ['DNS:a'] })]
  const garbage = join(dir, 'garbage')
  writeFileSync(garbage, 'x')
  const huge = join(dir, 'huge')
  writeFileSync(huge, Buffer.alloc(1_048_577), { mode: 0o600 })
  const refusal = { code: 'ERR_TLS_FILES' }
  for (const part of ['cert', 'key', 'ca'] as const) {
    chmodSync(garbage, 0o600)
    for (const file of [garbage, huge, dir, join(dir, 'missing')])
      t.throws(
        () => openTlsFiles({ ...one, [part]: file }, nothing),
        refusal,
        `${part} ${file.slice(dir.length)}`,
      )
  }
  t.throws(() => openTlsFiles({ ...one, key: two.key }, nothing), refusal)
  t.end()
})

t.test('a changed set is handed over once, a half changed one not at all', { skip }, (t) => {
  const dir = t.testdir({ live: {} })
  const ca = createTestCa(dir)
  const [one, two] = [ca.issue('one', { names: ['DNS:a'] }), ca.issue('two', { names: ['DNS:a'] })]
  const live = install(join(dir, 'live'), one)
  const used: string[] = []
  const refused: string[] = []
  const files = openTlsFiles(live, ({ cert }) => used.push(String(cert)), {
    refused: ({ code }) => refused.push(code),
  })
  t.teardown(() => files.close())
  const [pemOne, pemTwo] = [readFileSync(one.cert, 'utf8'), readFileSync(two.cert, 'utf8')]
  files.look()
  t.same([used, refused], [[pemOne], []])
  install(join(dir, 'live'), two, ['cert'])
  files.look()
  t.same([used, refused], [[pemOne], ['ERR_TLS_FILES']])
  install(join(dir, 'live'), two, ['key'])
  files.look()
  files.look()
  t.same([used, refused], [[pemOne, pemTwo], ['ERR_TLS_FILES']])
  t.end()
})

t.test('files are looked at by themselves', { skip }, async (t) => {
  const dir = t.testdir({ live: {} })
  const ca = createTestCa(dir)
  const live = install(join(dir, 'live'), ca.issue('one', { names: ['DNS:a'] }))
  const two = ca.issue('two', { names: ['DNS:a'] })
  let told: () => void = nothing
  const changed = new Promise<void>((resolve) => {
    told = resolve
  })
  let uses = 0
  const files = openTlsFiles(live, () => (uses++ > 0 ? told() : undefined), { everyMs: 5 })
  t.teardown(() => files.close())
  install(join(dir, 'live'), two)
  const alive = setInterval(nothing, 1_000)
  await changed
  clearInterval(alive)
  t.equal(uses, 2)
})

t.test('OpenSSL is told TLS 1.3 and nothing else, and the key is zeroed after that', { skip }, (t) => {
  const paths = createTestCa(t.testdir()).issue('a', { names: ['DNS:a'] })
  const buffers = { cert: readFileSync(paths.cert), key: readFileSync(paths.key), ca: readFileSync(paths.ca) }
  for (const source of [paths, buffers]) {
    let given: SecureContextOptions = {}
    openTlsFiles(source, (set) => {
      t.ok((set.key as Buffer).includes('PRIVATE KEY'))
      given = set
    }).close()
    t.match(given, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' })
    t.ok((given.key as Buffer).every((byte) => byte === 0))
  }
  t.ok(buffers.key.includes('PRIVATE KEY'), 'the caller’s own stays')
  t.end()
})
