import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeApproverKey } from './approvals.js'
import { approversOf, readApprovers } from './approvers.js'

const [ada, ben] = [makeApproverKey('ada'), makeApproverKey('ben')]

t.test('approvers come from a set, or from a folder as keygen fills it', async (t) => {
  const dir = t.testdir({ keys: {} })
  writeFileSync(join(dir, 'set.json'), JSON.stringify({ keys: [ada.jwk, ben.jwk] }))
  for (const [kid, { jwk, pem }] of Object.entries({ ada, ben })) {
    writeFileSync(join(dir, 'keys', `${kid}.jwk.json`), JSON.stringify(jwk))
    writeFileSync(join(dir, 'keys', `${kid}.pem`), pem)
  }
  t.same([...readApprovers(join(dir, 'set.json')).keys()], ['ada', 'ben'])
  t.same(
    [...readApprovers(join(dir, 'keys')).keys()],
    ['ada', 'ben'],
    'private keys beside them are not read',
  )
})

t.test('what is no two approvers is refused at once, in words and without a value', async (t) => {
  const dir = t.testdir({ empty: {}, alone: {} })
  writeFileSync(join(dir, 'alone', 'ada.jwk.json'), JSON.stringify(ada.jwk))
  const other = { ...makeApproverKey('ada').jwk }
  const rsa = { kty: 'RSA', kid: 'cyd', n: 'AQAB', e: 'AQAB' }
  const cases: readonly (readonly [string, string | null, RegExp])[] = [
    ['missing', null, /nothing where/],
    ['empty', null, /fewer than two/],
    ['alone', null, /fewer than two/],
    ['one-key.json', JSON.stringify(ada.jwk), /one key, not a set/],
    ['two-keys.json', `${JSON.stringify(ada.jwk)}\n${JSON.stringify(ben.jwk)}`, /no JSON/],
    ['set-of-one.json', JSON.stringify({ keys: [ada.jwk] }), /fewer than two/],
    ['set-of-none.json', '{"keys":[]}', /fewer than two/],
    ['list.json', JSON.stringify([ada.jwk, ben.jwk]), /no set/],
    ['rsa.json', JSON.stringify({ keys: [ada.jwk, rsa] }), /no set/],
    ['short.json', JSON.stringify({ keys: [ada.jwk, { ...ben.jwk, x: 'AAAA' }] }), /no Ed25519 key/],
    ['one-kid.json', JSON.stringify({ keys: [ada.jwk, other] }), /have one kid/],
    ['one-person.json', JSON.stringify({ keys: [ada.jwk, { ...ada.jwk, kid: 'ben' }] }), /have one key/],
  ]
  for (const [name, text, says] of cases) {
    const place = join(dir, name)
    if (text !== null) writeFileSync(place, text)
    t.throws(() => approversOf(place), { code: 'ERR_ACTIVATION_APPROVERS', message: says }, name)
    t.throws(() => readApprovers(place), { message: /tacit rules keygen/ }, `${name}: what to do`)
  }
  t.throws(() => readApprovers(undefined), { code: 'ERR_ACTIVATION_APPROVERS' })
  t.doesNotThrow(() => approversOf(undefined), 'nobody has to be named before anything is to be approved')
})
