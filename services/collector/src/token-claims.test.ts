import fc from 'fast-check'
import t from 'tap'
import { TestClock } from './testing/memory.js'
import { type Claims, edSigner, grantedClaims } from './testing/tokens.js'
import { LEEWAY_S, readClaims, TOKEN_LIFE_S } from './token-claims.js'
import { createTokenVerifier, importTokenKeys } from './tokens.js'

const NOW_S = Date.parse('2026-11-18T10:20:30Z') / 1000
const ed = edSigner('ed-1')
const keys = await importTokenKeys({ keys: [ed.jwk] })
const claims = (changes: Claims = {}): Record<string, unknown> => ({
  ...grantedClaims(NOW_S * 1000),
  ...changes,
})

const stateOf = (changes: Claims, now = NOW_S): string => readClaims(claims(changes), now * 1000).result.state
const NONE = { aud: undefined, iat: undefined, exp: undefined }

t.test('claims that stand for a token may leave out its audience and its times', async (t) => {
  t.equal(stateOf(NONE), 'valid')
  t.equal(stateOf({ ...NONE, iat: NOW_S }), 'valid')
  t.equal(stateOf({ ...NONE, exp: NOW_S + 1 }), 'valid')
  t.equal(stateOf({ ...NONE, aud: ['another', 'tacit'] }), 'valid')
})

t.test('what stands there is judged as in a token', async (t) => {
  const cases: readonly (readonly [Claims, string])[] = [
    [{ aud: 'another' }, 'wrong_audience'],
    [{ aud: null }, 'wrong_audience'],
    [{ aud: 'another', exp: NOW_S - 3_600 }, 'wrong_audience'],
    [{ exp: NOW_S - LEEWAY_S }, 'expired'],
    [{ exp: NOW_S - LEEWAY_S + 1 }, 'valid'],
    [{ iat: NOW_S - TOKEN_LIFE_S - LEEWAY_S }, 'expired'],
    [{ iat: NOW_S - TOKEN_LIFE_S - LEEWAY_S + 1 }, 'valid'],
    [{ iat: NOW_S + LEEWAY_S }, 'valid'],
    [{ iat: NOW_S + LEEWAY_S + 1 }, 'forged'],
    [{ nbf: NOW_S + LEEWAY_S }, 'valid'],
    [{ nbf: NOW_S + LEEWAY_S + 1 }, 'forged'],
    [{ nbf: NOW_S - 3_600 }, 'valid'],
    [{ iat: NOW_S - 5, exp: NOW_S - 6 }, 'forged'],
    [{ iat: NOW_S - 5, exp: NOW_S - 5 + TOKEN_LIFE_S }, 'valid'],
    [{ iat: NOW_S - 5, exp: NOW_S - 4 + TOKEN_LIFE_S }, 'expired'],
    [{ iat: String(NOW_S) }, 'forged'],
    [{ exp: String(NOW_S + 60) }, 'forged'],
    [{ exp: null }, 'forged'],
    [{ nbf: 'soon' }, 'forged'],
    [{ sub: '' }, 'forged'],
  ]
  for (const [changes, wanted] of cases)
    t.equal(stateOf({ ...NONE, ...changes }), wanted, JSON.stringify(changes))
})

t.test('what was read is known until its end and the leeway, and no longer', async (t) => {
  const expires = (changes: Claims) => readClaims(claims(changes), NOW_S * 1000).expires / 1000
  t.equal(expires({ iat: NOW_S - 10, exp: NOW_S + 50 }), NOW_S + 50 + LEEWAY_S)
  t.equal(expires({ ...NONE, iat: NOW_S - 10 }), NOW_S - 10 + TOKEN_LIFE_S + LEEWAY_S)
  t.equal(expires(NONE), NOW_S + TOKEN_LIFE_S + LEEWAY_S)
  t.equal(expires({ ...NONE, exp: NOW_S + 86_400 }), NOW_S + TOKEN_LIFE_S + LEEWAY_S)
})

t.test('claims come to what a token that the ERP signed over them comes to', async (t) => {
  const near = (...places: readonly number[]) =>
    fc
      .tuple(fc.constantFrom(...places), fc.integer({ min: -2, max: 2 }), fc.constantFrom(0, 0, 0, 0.5))
      .map((parts) => NOW_S + parts.reduce((sum, part) => sum + part, 0))
  const ends = [-LEEWAY_S, 0, 300, TOKEN_LIFE_S, TOKEN_LIFE_S + LEEWAY_S, -TOKEN_LIFE_S - LEEWAY_S]
  const odd = fc.constantFrom<unknown>('1', null, 1e300, -1e300, {})
  const time = fc.oneof({ arbitrary: near(...ends), weight: 12 }, { arbitrary: odd, weight: 1 })
  const changes = fc.record({
    aud: fc.constantFrom<unknown>('tacit', 'tacit', 'tacit', ['tacit'], 'another', null, [['tacit']]),
    iat: time,
    exp: time,
    nbf: fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, time),
    sub: fc.constantFrom('person-0001', 'person-0001', 'person-0001', ''),
  })
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(changes, fc.integer({ min: 0, max: 1_999 }), async (changed, ms) => {
      const now = NOW_S * 1000 + ms
      const said = claims(changed)
      const { result } = await createTokenVerifier(keys, new TestClock(now)).verify(ed.sign(said), now)
      seen.add(result.state)
      return readClaims(said, now).result.state === result.state
    }),
    { numRuns: 3_000, seed: 11 },
  )
  t.same([...seen].sort(), ['expired', 'forged', 'valid', 'wrong_audience'], 'each was met')
})
