import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import t from 'tap'
import { createTokenIssuer, generateTokenKeys, subjectOf, TOKEN_LIFE_S } from './index.js'

const SUBJECT_KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at))
const USER = 'ravi.kumar@example.in'
const person = {
  tenant: 't-001',
  user: USER,
  standing: 'established',
  role: 'accounts',
  cohort: '2026-03',
  adult: true,
  consent: { analytics: 'granted', at: new Date('2026-12-01T10:00:00Z') },
} as const

t.test('the vector of docs/tokens.md', async (t) => {
  t.equal(subjectOf(SUBJECT_KEY, 't-001', '12345'), 'HshAKFhcF9IgNBqxKPHeKLDxmxEF58IV7xwy8wNbrGE')
  t.not(
    subjectOf(SUBJECT_KEY, 't-00', '112345'),
    subjectOf(SUBJECT_KEY, 't-001', '12345'),
    'parts do not run together',
  )
})

t.test('a token says what Tacit asks for, lives 15 minutes, and holds no user', async (t) => {
  const { jwks, signingKey } = await generateTokenKeys('erp-1')
  const issuer = createTokenIssuer({
    signingKey,
    subjectKey: SUBJECT_KEY,
    region: 'in',
    policy: '2026-11-01',
  })
  const token = await issuer.issue(person)
  const { payload } = await jwtVerify(token, await importJWK(jwks.keys[0] as JWK, 'EdDSA'), {
    audience: 'tacit',
  })
  t.match(decodeProtectedHeader(token), { alg: 'EdDSA', kid: 'erp-1' })
  const { exp = 0, iat = 0, sub, ...claims } = payload
  t.equal(exp - iat, TOKEN_LIFE_S)
  t.equal(sub, subjectOf(SUBJECT_KEY, 't-001', USER))
  t.same(claims, {
    aud: 'tacit',
    tenant: 't-001',
    standing: 'established',
    role: 'accounts',
    cohort: '2026-03',
    adult: true,
    region: 'in',
    consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-12-01T10:00:00.000Z' },
  })
  const whole = token
    .split('.')
    .slice(0, 2)
    .map((part) => Buffer.from(part, 'base64url').toString())
    .join()
  t.notMatch(whole, 'ravi')
  t.notOk(
    jwks.keys.some((key) => key.d !== undefined),
    'what Tacit gets cannot sign',
  )
})

t.test('a secret signs as well, and who is not known to be an adult is not claimed to be', async (t) => {
  const signingKey = { kty: 'oct', kid: 'erp-2', k: Buffer.alloc(32, 7).toString('base64url') }
  const issuer = createTokenIssuer({
    signingKey,
    subjectKey: SUBJECT_KEY,
    region: 'in',
    policy: '2026-11-01',
  })
  const token = await issuer.issue({ ...person, adult: false })
  t.equal(decodeProtectedHeader(token).alg, 'HS256')
  t.equal(decodeJwt(token)['adult'], undefined)
})

t.test('keys that are too short, public or without a name are refused', async (t) => {
  const { jwks, signingKey } = await generateTokenKeys('erp-1')
  const make = (changes: object) => () =>
    createTokenIssuer({ signingKey, subjectKey: SUBJECT_KEY, region: 'in', policy: '2026-11-01', ...changes })
  t.throws(make({ subjectKey: Buffer.alloc(31) }), TypeError)
  t.throws(make({ signingKey: jwks.keys[0] as JWK }), TypeError, 'a public key')
  t.throws(make({ signingKey: { ...signingKey, kid: '' } }), TypeError)
  t.throws(make({ signingKey: { kty: 'oct', kid: 'x', k: 'c2hvcnQ' } }), TypeError)
  await t.rejects(make({})().issue({ ...person, user: '' }), TypeError)
})
