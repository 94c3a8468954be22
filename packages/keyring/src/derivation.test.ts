import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { derivePseudonymKey, type PseudonymKeyInputs } from './derivation.js'
import type { KeyScope } from './port.js'
import { createPseudonymizer } from './pseudonym.js'

const bytesFrom = (first: number): Buffer =>
  Buffer.from(Array.from({ length: 32 }, (_, index) => first + index))

const VECTOR: PseudonymKeyInputs = {
  epochRoot: bytesFrom(0x00),
  scopeRoot: bytesFrom(0x20),
  purpose: 'product-usage-stats',
  scope: { of: 'tenant', tenant: 't-001' },
  epoch: 'day:2026-08-05',
}

const pseudonymHex = (inputs: PseudonymKeyInputs, kind: string, ...parts: string[]): string =>
  Buffer.from(
    createPseudonymizer(derivePseudonymKey(inputs)).pseudonym(kind, ...parts),
    'base64url',
  ).toString('hex')

t.test('the vectors of the design hold', async (t) => {
  t.equal(
    derivePseudonymKey(VECTOR).toString('hex'),
    '039088abb9289dcd8d0a01a72caa788d6f6c15db14a14ebeaae4358888fdb9a9',
  )
  t.equal(pseudonymHex(VECTOR, 'uid', '12345'), 'f3d6f9a970788011288120abf969659a')
  t.equal(createPseudonymizer(derivePseudonymKey(VECTOR)).pseudonym('uid', '12345'), '89b5qXB4gBEogSCr-Wllmg')
  t.equal(
    pseudonymHex({ ...VECTOR, purpose: 'security' }, 'uid', '12345'),
    'f13721286ccb526dd4d8825ba54d4aba',
  )
  t.equal(
    pseudonymHex({ ...VECTOR, epoch: 'day:2026-08-06' }, 'uid', '12345'),
    '264a2854527143d4a890951a8912b55c',
  )
})

/** The derivation once more, by another library: Python's own hmac, with HKDF written out (RFC 5869). */
const PYTHON = `
import sys, json, hmac, hashlib, struct, unicodedata
def lp(*parts):
    out = b''
    for part in parts:
        raw = unicodedata.normalize('NFC', part).encode('utf-8')
        out += struct.pack('>I', len(raw)) + raw
    return out
def mac(key, message): return hmac.new(key, message, hashlib.sha256).digest()
answers = []
for case in json.load(sys.stdin):
    prk = mac(lp('pseudonym-salt/v1'), bytes.fromhex(case['ikm']))
    key = mac(prk, lp('pseudonym/v1', case['purpose'], case['id'], case['epoch']) + b'\\x01')
    answers.append([key.hex(), mac(key, lp(*case['parts']))[:16].hex(), mac(key, lp('eid', case['parts'][1]))[:8].hex()])
print(json.dumps(answers))
`

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import hmac, hashlib'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const CASES: readonly { inputs: PseudonymKeyInputs; id: string; parts: [string, string, ...string[]] }[] = [
  { inputs: VECTOR, id: 't-001', parts: ['uid', '12345'] },
  { inputs: { ...VECTOR, scope: { of: 'tenants' }, scopeRoot: null }, id: '', parts: ['tenant', 't-001'] },
  {
    inputs: {
      ...VECTOR,
      scope: { of: 'site', site: 'website' },
      scopeRoot: bytesFrom(0x40),
      epoch: 'week:2026-08-03',
    },
    id: 'website',
    parts: ['net', '203.0.113.7', 'Mozilla/5.0 (X11)'],
  },
  {
    inputs: { ...VECTOR, scope: { of: 'tenant', tenant: 'Zu\u0308rich' }, epoch: 'month:2026-08' },
    id: 'Zu\u0308rich',
    parts: ['uid', 'Ame\u0301lie \u{1F98A}'],
  },
]

t.test(
  'a second library computes the same keys, pseudonyms and event ids',
  { skip: hasPython() ? false : 'python3 is not installed' },
  async (t) => {
    const input = CASES.map(({ inputs, id, parts }) => ({
      ikm: Buffer.concat([inputs.epochRoot, inputs.scopeRoot ?? Buffer.alloc(0)]).toString('hex'),
      purpose: inputs.purpose,
      epoch: inputs.epoch,
      id,
      parts,
    }))
    const theirs = JSON.parse(
      execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(input), encoding: 'utf8' }),
    )
    const ours = CASES.map(({ inputs, parts }) => {
      const key = derivePseudonymKey(inputs)
      const [kind, ...rest] = parts
      const eid = createPseudonymizer(key).eventId(parts[1])
      return [
        key.toString('hex'),
        pseudonymHex(inputs, kind, ...rest),
        Buffer.from(eid, 'base64url').toString('hex'),
      ]
    })
    t.same(ours, theirs)
  },
)

const root = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyScope: fc.Arbitrary<KeyScope> = fc.oneof(
  fc.record({ of: fc.constant('tenant' as const), tenant: fc.string({ unit: 'binary' }) }),
  fc.record({ of: fc.constant('site' as const), site: fc.string({ unit: 'binary' }) }),
)

t.test('the derivation is RFC 5869 written out, for any inputs', async (t) => {
  fc.assert(
    fc.property(
      root,
      root,
      fc.string({ unit: 'binary' }),
      anyScope,
      (epochRoot, scopeRoot, purpose, scope) => {
        const id = scope.of === 'tenant' ? scope.tenant : scope.of === 'site' ? scope.site : ''
        const prk = createHmac('sha256', lengthPrefixed('pseudonym-salt/v1'))
          .update(epochRoot)
          .update(scopeRoot)
          .digest()
        const info = lengthPrefixed('pseudonym/v1', purpose, id, 'day:2026-08-05')
        const expected = createHmac('sha256', prk).update(info).update(Buffer.of(1)).digest()
        return derivePseudonymKey({ epochRoot, scopeRoot, purpose, scope, epoch: 'day:2026-08-05' }).equals(
          expected,
        )
      },
    ),
  )
  t.pass('held in every run')
})

t.test('one person has unrelated pseudonyms across tenants, purposes, epochs, kinds and roots', async (t) => {
  const variants: PseudonymKeyInputs[] = [
    VECTOR,
    { ...VECTOR, purpose: 'security' },
    { ...VECTOR, epoch: 'day:2026-08-06' },
    { ...VECTOR, epoch: 'week:2026-08-03' },
    { ...VECTOR, scope: { of: 'tenant', tenant: 't-002' } },
    { ...VECTOR, scope: { of: 'tenants' }, scopeRoot: null },
    { ...VECTOR, epochRoot: bytesFrom(0x60) },
    { ...VECTOR, scopeRoot: bytesFrom(0x60) },
    // The same bytes cut elsewhere: the length prefixes keep them apart.
    { ...VECTOR, purpose: 'product-usage-statst', scope: { of: 'tenant', tenant: '-001' } },
  ]
  const people = Array.from({ length: 200 }, (_, index) => String(index))
  const seen = new Set<string>()
  for (const inputs of variants) {
    const pseudonymizer = createPseudonymizer(derivePseudonymKey(inputs))
    for (const person of people) {
      seen.add(pseudonymizer.pseudonym('uid', person))
      seen.add(pseudonymizer.pseudonym('other', person))
    }
  }
  t.equal(seen.size, variants.length * people.length * 2)
})

t.test('a missing, superfluous or short root is refused', async (t) => {
  const expected = new TacitError('ERR_KEY_STORE')
  t.throws(() => derivePseudonymKey({ ...VECTOR, scopeRoot: null }), expected)
  t.throws(() => derivePseudonymKey({ ...VECTOR, scope: { of: 'tenants' } }), expected)
  t.throws(() => derivePseudonymKey({ ...VECTOR, epochRoot: bytesFrom(0).subarray(1) }), expected)
  t.throws(() => derivePseudonymKey({ ...VECTOR, scopeRoot: Buffer.alloc(0) }), expected)
})
