/** The ERP's helper and the collector's verifier, which share no code: what one signs the other takes. */
import { readFileSync } from 'node:fs'
import { createTokenVerifier, importTokenKeys } from '@tacit/collector'
import { systemClock } from '@tacit/contracts'
import { createTokenIssuer, generateTokenKeys, subjectOf } from '@tacit/erp-token'
import t from 'tap'

const SUBJECT_KEY = Uint8Array.from({ length: 32 }, (_, at) => at)
const SECRET = { kty: 'oct', kid: 'erp-2', k: Buffer.alloc(32, 7).toString('base64url') }
const PERSON = {
  tenant: 't-001',
  user: 'ravi.kumar@example.in',
  standing: 'established',
  adult: true,
  consent: { analytics: 'granted', at: new Date(Date.now() - 3_600_000) },
} as const

t.test(
  'the collector takes what the helper signs, by either kind of key, and only by a key it knows',
  async (t) => {
    const { jwks, signingKey } = await generateTokenKeys('erp-1')
    const stranger = await generateTokenKeys('erp-1')
    const verifier = createTokenVerifier(await importTokenKeys({ keys: [...jwks.keys, SECRET] }), systemClock)
    const settings = { subjectKey: SUBJECT_KEY, region: 'in', policy: '2026-11-01' }
    for (const key of [signingKey, SECRET]) {
      const token = await createTokenIssuer({ ...settings, signingKey: key }).issue(PERSON)
      const { result } = await verifier.verify(token, Date.now())
      t.match(result, {
        state: 'valid',
        claims: {
          tenant: 't-001',
          sub: subjectOf(SUBJECT_KEY, 't-001', PERSON.user),
          adult: true,
          region: 'in',
          consent: { analytics: 'granted', policy: '2026-11-01' },
        },
      })
    }
    const forged = await createTokenIssuer({ ...settings, signingKey: stranger.signingKey }).issue(PERSON)
    t.match(await verifier.verify(forged, Date.now()), { result: { state: 'forged' } })
  },
)

t.test('the vector that docs/tokens.md states is what the helper makes', (t) => {
  const page = readFileSync(new URL('../../../../docs/tokens.md', import.meta.url), 'utf8')
  const stated = /^ {4}([\w-]{43})$/m.exec(page)?.[1]
  t.equal(stated, subjectOf(SUBJECT_KEY, 't-001', '12345'))
  t.equal(
    subjectOf(SUBJECT_KEY, 't', 'e\u0301'),
    subjectOf(SUBJECT_KEY, 't', '\u00e9'),
    'a text has one form',
  )
  t.end()
})
