/** Version 1 by its test vectors: what we seal and open, and what a second implementation makes of the same inputs. */
import { execFileSync } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { TacitError } from './problems.js'
import { type BatchHeader, batchKey, openBatch, readBatchHeader, sealBatch } from './sealed-batch.js'

interface SealedVector {
  readonly name: string
  readonly log_key: string
  readonly producer: string
  readonly batch: number
  readonly header: string
  readonly rows: string
  readonly batch_key: string
  readonly nonce: string
  readonly sealed: string
}

interface RefusedVector {
  readonly name: string
  readonly code: string
  readonly batch_key: string
  readonly sealed: string
  /** the version that the refusal names */
  readonly version?: string
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const vectors = JSON.parse(
  readFileSync(new URL('../vectors/sealed-batch-v1.json', import.meta.url), 'utf8'),
) as { readonly sealed: readonly SealedVector[]; readonly refused: readonly RefusedVector[] }

t.test('each vector is sealed to these very bytes, and opened again', async (t) => {
  t.ok(vectors.sealed.length >= 5)
  for (const vector of vectors.sealed) {
    const header = JSON.parse(vector.header) as BatchHeader
    const key = batchKey(hex(vector.log_key), vector.producer)
    t.equal(key.toString('hex'), vector.batch_key, vector.name)
    t.equal(sealBatch(header, Buffer.from(vector.rows), key).toString('hex'), vector.sealed, vector.name)
    const opened = openBatch(hex(vector.sealed), key)
    t.same(opened.header, header, vector.name)
    t.equal(Buffer.concat(opened.sections.map(({ rows }) => rows)).toString('utf8'), vector.rows)
    t.same(
      [header.producer, header.batch],
      [vector.producer, vector.batch],
      'what makes key and nonce stands in the header',
    )
  }
})

t.test('each refused vector is refused by its code, and a version by its number', async (t) => {
  t.ok(vectors.refused.length >= 10)
  for (const { batch_key, code, name, sealed, version } of vectors.refused) {
    let refusal: unknown = null
    try {
      openBatch(hex(sealed), hex(batch_key))
    } catch (error) {
      refusal = error
    }
    t.type(refusal, TacitError, name)
    t.match(refusal, { code }, name)
    if (version !== undefined) {
      t.match(refusal, { message: new RegExp(`version ${version}\\b`) }, name)
      t.throws(() => readBatchHeader(hex(sealed)), { code }, name)
    }
  }
})

const PYTHON = `
import sys, json, hmac, hashlib, struct
try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    AESGCM = None
def lp(text): raw = text.encode('utf-8'); return struct.pack('>I', len(raw)) + raw
def mac(key, message): return hmac.new(key, message, hashlib.sha256).digest()
answers = []
for case in json.load(sys.stdin):
    key = mac(mac(lp('batch-key/v1'), bytes.fromhex(case['log_key'])), lp(case['producer']) + b'\\x01')
    nonce = b'\\0\\0\\0\\0' + struct.pack('>Q', case['batch'])
    head = case['header'].encode('utf-8')
    prefix = b'TCB1' + struct.pack('>I', len(head)) + head
    sealed = None if AESGCM is None else (prefix + AESGCM(key).encrypt(nonce, case['rows'].encode('utf-8'), prefix)).hex()
    answers.append({ 'batch_key': key.hex(), 'nonce': nonce.hex(), 'sealed': sealed })
print(json.dumps(answers))
`

/** What Python computes from the vectors' inputs; null where there is no Python. */
function byPython(): readonly { batch_key: string; nonce: string; sealed: string | null }[] | null {
  try {
    return JSON.parse(
      execFileSync('python3', ['-c', PYTHON], {
        input: JSON.stringify(vectors.sealed),
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      }),
    )
  } catch {
    return null
  }
}

const theirs = byPython()
const noPython = theirs === null ? 'python3 is not installed' : false

t.test('Python derives the same keys and nonces', { skip: noPython }, async (t) => {
  for (const [at, { batch_key, name, nonce }] of vectors.sealed.entries())
    t.match(theirs?.[at], { batch_key, nonce }, name)
})

t.test(
  'Python seals to the same bytes',
  { skip: noPython || (theirs?.[0]?.sealed === null ? 'python3 has no package cryptography' : false) },
  async (t) => {
    for (const [at, { name, sealed }] of vectors.sealed.entries()) t.equal(theirs?.[at]?.sealed, sealed, name)
  },
)

t.test('Web Cryptography derives the same keys and seals to the same bytes', async (t) => {
  const { subtle } = webcrypto
  const prefixed = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'utf8')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  for (const vector of vectors.sealed) {
    const logKey = await subtle.importKey('raw', hex(vector.log_key), 'HKDF', false, ['deriveKey'])
    const derivation = {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: prefixed('batch-key/v1'),
      info: prefixed(vector.producer),
    }
    const key = await subtle.deriveKey(derivation, logKey, { name: 'AES-GCM', length: 256 }, true, [
      'encrypt',
    ])
    t.equal(Buffer.from(await subtle.exportKey('raw', key)).toString('hex'), vector.batch_key, vector.name)
    const prefix = Buffer.concat([Buffer.from('TCB1'), prefixed(vector.header)])
    const gcm = { name: 'AES-GCM', iv: hex(vector.nonce), additionalData: prefix }
    const body = Buffer.from(await subtle.encrypt(gcm, key, Buffer.from(vector.rows)))
    t.equal(Buffer.concat([prefix, body]).toString('hex'), vector.sealed, vector.name)
  }
})
