import fc from 'fast-check'
import t, { type Test } from 'tap'
import { TestClock } from './testing/memory.js'
import { type Claims, compact, edSigner, grantedClaims, hmac, hmacSigner } from './testing/tokens.js'
import { readClaims, type VerifiedToken } from './token-claims.js'
import { createTokenVerifier, importTokenKeys, type TokenVerifier, takeAllowance } from './tokens.js'

const START = Date.parse('2026-11-18T10:20:30Z')
const MINUTE = 60_000
const ed = edSigner('ed-1')
const hs = hmacSigner('hs-1')
const keys = await importTokenKeys({ keys: [ed.jwk, hs.jwk] })

const verifier = (clock = new TestClock(START)): TokenVerifier => createTokenVerifier(keys, clock)
const stateOf = async (token: string, now = START): Promise<string> =>
  (await verifier(new TestClock(now)).verify(token, now)).result.state
const claims = (changes: Claims = {}): Claims => grantedClaims(START, changes)
const seconds = START / 1000 - ((START / 1000) % 1)

for (const signer of [ed, hs]) {
  t.test(
    `a token signed with ${signer.jwk.kty === 'oct' ? 'HS256' : 'EdDSA'} says who and what`,
    async (t) => {
      const { result } = await verifier().verify(signer.sign(claims()), START)
      t.match(result, {
        state: 'valid',
        claims: {
          tenant: 't-001',
          standing: 'established',
          sub: 'person-0001',
          consent: { analytics: 'granted' },
        },
      })
    },
  )
}

const none = (header: Claims) => compact(header, claims(), () => Buffer.alloc(0))
const der = ed.publicKey.export({ format: 'der', type: 'spki' })
const pem = Buffer.from(ed.publicKey.export({ format: 'pem', type: 'spki' }))
const raw = Buffer.from(ed.jwk.x ?? '', 'base64url')
const confused = (secret: Uint8Array) => compact({ alg: 'HS256', kid: 'ed-1' }, claims(), hmac(secret))
const FORGERIES: Readonly<Record<string, string>> = {
  'of an unknown key': edSigner('ed-2').sign(claims()),
  'of another key with a known name': edSigner('ed-1').sign(claims()),
  'without a key name': ed.sign(claims(), { kid: undefined }),
  'with the name of a key of the other kind': ed.sign(claims(), { kid: 'hs-1' }),
  'with alg none': none({ alg: 'none' }),
  'with alg none and a key name': none({ alg: 'none', kid: 'ed-1' }),
  'with alg None': none({ alg: 'None', kid: 'hs-1' }),
  'with an empty signature': none({ alg: 'EdDSA', kid: 'ed-1' }),
  'signed with the raw public key as a secret': confused(raw),
  'signed with the public key in DER as a secret': confused(der),
  'signed with the public key in PEM as a secret': confused(pem),
  'signed with the text of the public key as a secret': confused(Buffer.from(ed.jwk.x ?? '')),
  'signed with HS512': hs.sign(claims(), { alg: 'HS512' }),
  'with a key of its own in its header': edSigner('x').sign(claims(), { kid: 'x', jwk: edSigner('x').jwk }),
  'with a key of its own under a known name': edSigner('ed-1').sign(claims(), { jwk: edSigner('x').jwk }),
  'with the right signature and a key of its own': ed.sign(claims(), { jwk: ed.jwk }),
  'with the address of a key set': ed.sign(claims(), { jku: 'https://evil.example/keys.json' }),
  'with the address of a certificate': ed.sign(claims(), { x5u: 'https://evil.example/cert.pem' }),
  'with a certificate': ed.sign(claims(), { x5c: ['MIIB'] }),
  'whose key name is of another type': ed.sign(claims(), { kid: ['ed-1'] }),
  'whose key name is a member of every object': ed.sign(claims(), { kid: '__proto__' }),
  'with a critical header that nobody knows': ed.sign(claims(), { crit: ['x'], x: 1 }),
  'with another payload under its signature': ed
    .sign(claims())
    .replace(/\.[^.]*\./, () => `.${ed.sign(claims({ tenant: 't-2' })).split('.')[1]}.`),
  'of two parts': ed.sign(claims()).split('.').slice(0, 2).join('.'),
  'of five parts': `${ed.sign(claims())}.a.b`,
  'with a space': `${ed.sign(claims())} `,
  'that is empty': '',
  'that is no token': 'garbage',
  'whose payload is no JSON': ed.sign('not json'),
  'whose payload is an array': ed.sign('[]'),
}
for (const [name, token] of Object.entries(FORGERIES)) {
  t.test(`a token ${name} is forged`, async (t) => {
    t.equal(await stateOf(token), 'forged')
  })
}

for (const name of ['tenant', 'sub', 'iat', 'exp']) {
  t.test(`a token without ${name} is forged`, async (t) => {
    t.equal(await stateOf(ed.sign(claims({ [name]: undefined }))), 'forged')
  })
  t.test(`a token whose ${name} is of another type is forged`, async (t) => {
    for (const value of [null, [], {}, name === 'iat' || name === 'exp' ? String(seconds) : 1]) {
      t.equal(await stateOf(ed.sign(claims({ [name]: value }))), 'forged')
    }
  })
}
t.test('a token with a standing that is none, or an empty subject, is forged', async (t) => {
  t.equal(await stateOf(ed.sign(claims({ standing: 'vip' }))), 'forged')
  t.equal(await stateOf(ed.sign(claims({ sub: '' }))), 'forged')
  t.equal(await stateOf(ed.sign(claims({ tenant: 'x'.repeat(257) }))), 'forged')
})
t.test('a token without standing is of a trial', async (t) => {
  const { result } = await verifier().verify(ed.sign(claims({ standing: undefined })), START)
  t.match(result, { state: 'valid', claims: { standing: 'trial' } })
})

t.test('a token for somebody else has the wrong audience', async (t) => {
  for (const aud of ['other', '', ['other'], 'TACIT', undefined]) {
    t.equal(await stateOf(ed.sign(claims({ aud }))), 'wrong_audience')
  }
  t.equal(await stateOf(ed.sign(claims({ aud: ['other', 'tacit'] }))), 'valid')
})

t.test('a token is expired a minute after its exp, the leeway between two clocks', async (t) => {
  const token = ed.sign(claims({ exp: seconds + 120 }))
  const end = (seconds + 120) * 1000
  t.equal(await stateOf(token, end + 59_000), 'valid')
  t.equal(await stateOf(token, end + 60_000), 'expired')
  t.equal(await stateOf(token, end + 86_400_000), 'expired')
})
t.test('a token that would live longer than 15 minutes is expired from its first second on', async (t) => {
  t.equal(await stateOf(ed.sign(claims({ exp: seconds + 900 }))), 'valid', '15 minutes')
  t.equal(
    await stateOf(ed.sign(claims({ iat: seconds - 600, exp: seconds + 301 }))),
    'expired',
    '901 seconds',
  )
  for (const exp of ['1e300', String(seconds + 901), String(seconds + 86_400), '253402300799']) {
    const token = ed.sign(JSON.stringify(claims({ exp: 0 })).replace('"exp":0', `"exp":${exp}`))
    t.equal(await stateOf(token), 'expired', exp)
    t.equal(await stateOf(token, seconds * 1000 + 60_000), 'expired', exp)
  }
})
t.test('a token that ends before it begins is forged', async (t) => {
  t.equal(await stateOf(ed.sign(claims({ iat: seconds + 30, exp: seconds + 29 }))), 'forged')
  t.equal(await stateOf(ed.sign(claims({ iat: seconds + 30, exp: seconds + 30 }))), 'valid')
})
t.test('a token issued in the future beyond the leeway is forged, whatever its exp', async (t) => {
  t.equal(await stateOf(ed.sign(claims({ iat: seconds + 60 }))), 'valid')
  for (const ahead of [62, 86_400, 31_536_000, 1e12]) {
    t.equal(await stateOf(ed.sign(claims({ iat: seconds + ahead, exp: seconds + ahead + 300 }))), 'forged')
  }
})
t.test('a token that is not valid yet is forged, and one issued long ago is expired', async (t) => {
  t.equal(await stateOf(ed.sign(claims({ nbf: seconds + 3_600 }))), 'forged')
  t.equal(await stateOf(ed.sign(claims({ iat: seconds - 3_600, exp: seconds + 300 }))), 'expired')
  t.equal(await stateOf(ed.sign(claims({ iat: -1e300, exp: seconds + 300 }))), 'expired')
})

t.test('a token is verified once, however many ask at once, and then known without waiting', async (t) => {
  const clock = new TestClock(START)
  const verify = verifier(clock)
  const token = ed.sign(claims())
  const first = Array.from({ length: 50 }, () => verify.verify(token, START))
  t.ok(first[0] instanceof Promise)
  t.equal(new Set(first).size, 1, 'one verification for all')
  const verified = await first[0]
  for (let at = 0; at < 3; at++)
    t.equal(verify.verify(token, START), verified, 'the same object, and no promise')
})
t.test('a token that is known expires all the same, and is forgotten with the cache', async (t) => {
  const clock = new TestClock(START)
  const verify = verifier(clock)
  const token = ed.sign(claims({ exp: seconds + 240 }))
  await verify.verify(token, START)
  clock.time = START + 4 * MINUTE
  t.notOk(verify.verify(token, clock.time) instanceof Promise)
  clock.time = START + 5 * MINUTE
  t.equal((await verify.verify(token, clock.time)).result.state, 'expired')
  const long = ed.sign(claims({ exp: seconds + 900 }))
  clock.time = START
  await verify.verify(long, START)
  clock.time = START + 16 * MINUTE
  verify.expire()
  t.ok(verify.verify(long, START) instanceof Promise, 'nothing is remembered for longer than 15 minutes')
})
t.test('a forged token is not remembered, and does not push a good one out', async (t) => {
  const verify = verifier()
  const good = ed.sign(claims())
  const known = await verify.verify(good, START)
  for (let at = 0; at < 200; at++) await verify.verify(`${good}${at}`, START)
  t.ok(verify.verify(`${good}0`, START) instanceof Promise)
  t.equal(verify.verify(good, START), known)
})
t.test('verifications that run at once do not mix tokens up', async (t) => {
  const verify = verifier()
  const tokens = Array.from({ length: 100 }, (_, at) =>
    (at % 3 === 0 ? hs : ed).sign(claims({ sub: `person-${at}`, ...(at % 5 === 0 ? { aud: 'other' } : {}) })),
  )
  const results = await Promise.all(tokens.map((token) => verify.verify(token, START)))
  results.forEach(({ result }, at) => {
    if (at % 5 === 0) t.equal(result.state, 'wrong_audience')
    else t.match(result, { state: 'valid', claims: { sub: `person-${at}` } })
  })
})
t.test('without keys every token is forged', async (t) => {
  const verify = createTokenVerifier(new Map(), new TestClock(START))
  t.equal((await verify.verify(ed.sign(claims()), START)).result.state, 'forged')
})

const isNeverValid = async (t: Test, token: fc.Arbitrary<string>): Promise<void> => {
  await fc.assert(
    fc.asyncProperty(token, async (text) => (await stateOf(text)) !== 'valid'),
    { numRuns: 200 },
  )
  t.pass()
}
t.test('no text but a signed one is valid', (t) =>
  isNeverValid(
    t,
    fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(fc.base64String()).map((parts) => parts.join('.')),
    ),
  ),
)
t.test('a token with one character changed is not valid', (t) => {
  const token = ed.sign(claims())
  const place = fc.nat(token.length - 1)
  const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ ')
  return isNeverValid(
    t,
    fc
      .tuple(place, character)
      .filter(([at, other]) => token[at] !== other)
      .map(([at, other]) => token.slice(0, at) + other + token.slice(at + 1)),
  )
})

t.test('a token has one spelling: other characters for the same bytes are forged', async (t) => {
  const token = ed.sign(claims())
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const same = [...alphabet]
    .map((last) => token.slice(0, -1) + last)
    .filter(
      (other) =>
        other !== token &&
        Buffer.from(other.split('.')[2] ?? '', 'base64url').equals(
          Buffer.from(token.split('.')[2] ?? '', 'base64url'),
        ),
    )
  t.equal(same.length, 15, 'the last character has four bits that stand for nothing')
  for (const other of [...same, `${token}=`, `${token}\n`, `\t${token}`])
    t.equal(await stateOf(other), 'forged')
})

t.test('keys that are neither Ed25519 nor a shared secret, or have no name, are refused', async (t) => {
  await t.rejects(importTokenKeys({ keys: [{ kty: 'OKP', crv: 'X25519', kid: 'a', x: ed.jwk.x ?? '' }] }))
  await t.rejects(importTokenKeys({ keys: [{ kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' }] }), TypeError)
  await t.rejects(importTokenKeys({ keys: [{ ...ed.jwk, kid: undefined as unknown as string }] }), TypeError)
})

t.test('a token may send its events of each minute, and the rest is over the rate', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 40_000 })), {
        maxLength: 40,
      }),
      (limit, requests) => {
        const token = readClaims(claims(), START) as VerifiedToken
        const taken = new Map<number, { sent: number; allowed: number }>()
        let now = START
        for (const [events, pause] of requests) {
          now += pause
          const minute = Math.floor(now / MINUTE)
          const counts = taken.get(minute) ?? { sent: 0, allowed: 0 }
          counts.sent += events
          counts.allowed += takeAllowance(token, events, limit, now)
          taken.set(minute, counts)
          if (counts.allowed !== Math.min(counts.sent, limit)) return false
        }
        return true
      },
    ),
  )
  t.pass('held in every run')
  t.end()
})

t.test('keys that are replaced end at once what they verified, also what is being verified', async (t) => {
  const other = edSigner('ed-9')
  const clock = new TestClock(START)
  const tokens = createTokenVerifier(keys, clock)
  const token = ed.sign(claims())
  const next = other.sign(claims())
  t.equal((await tokens.verify(token, START)).result.state, 'valid')
  t.equal((await tokens.verify(next, START)).result.state, 'forged')
  const underWay = tokens.verify(ed.sign(claims({ sub: 'somebody-else' })), START)
  tokens.replaceKeys(await importTokenKeys({ keys: [other.jwk] }))
  await underWay
  t.equal((await tokens.verify(token, START)).result.state, 'forged', 'a key that is gone verifies nothing')
  t.equal((await tokens.verify(ed.sign(claims({ sub: 'somebody-else' })), START)).result.state, 'forged')
  t.equal((await tokens.verify(next, START)).result.state, 'valid')
})

t.test('keys that are too short or share a name are refused', async (t) => {
  const oct = (kid: string, bytes: number) => ({
    kty: 'oct',
    kid,
    k: Buffer.alloc(bytes, 1).toString('base64url'),
  })
  await t.rejects(importTokenKeys({ keys: [oct('a', 31)] }), TypeError)
  await t.rejects(importTokenKeys({ keys: [oct('a', 32), oct('a', 33)] }), TypeError)
  t.equal((await importTokenKeys({ keys: [oct('a', 32), oct('b', 32)] })).size, 2)
})

t.test('a token beyond ten times its rate within a minute is marked for good', async (t) => {
  const token = await verifier().verify(ed.sign(claims()), START)
  t.equal(takeAllowance(token, 1_000, 100, START), 100)
  t.not(token.replayed, true, 'ten times its rate is still a busy page')
  takeAllowance(token, 1, 100, START)
  t.equal(token.replayed, true)
  takeAllowance(token, 1, 100, START + 5 * MINUTE)
  t.equal(token.replayed, true, 'a minute later as well')
})

t.test('a replayed token stays refused when the cache has forgotten it, until it expires', async (t) => {
  const clock = new TestClock(START)
  const verify = verifier(clock)
  const token = ed.sign(claims({ exp: seconds + 900 }))
  const calm = ed.sign(claims({ exp: seconds + 900, sub: 'somebody-else' }))
  const state = async (text: string) => (await verify.verify(text, clock.now())).result.state
  takeAllowance(await verify.verify(token, START), 1_001, 100, START)
  await state(token)
  await state(calm)
  for (const minutes of [8, 14.9]) {
    clock.time = START + minutes * MINUTE
    verify.expire()
    t.equal(await state(token), 'replayed')
    t.equal(await state(calm), 'valid')
  }
  verify.replaceKeys(keys)
  t.equal(await state(token), 'replayed', 'other keys do not pardon it')
  clock.time = START + 16 * MINUTE
  t.equal(await state(token), 'expired')
  verify.expire()
  t.equal(await state(token), 'expired')
})
