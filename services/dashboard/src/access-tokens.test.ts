import { DrivenClock } from '@tacit/contracts'
import { SignJWT } from 'jose'
import t from 'tap'
import { ROLES, openAccessTokens } from './access-tokens.js'

const secret = new Uint8Array(32).fill(7)
const start = Date.UTC(2026, 10, 20)
const refused = { code: 'ERR_ACCESS_TOKEN', status: 401 }

t.test('a token carries its role until it expires', async (t) => {
  const clock = new DrivenClock(start)
  const access = openAccessTokens(secret, clock)
  for (const role of ROLES) t.equal(await access.verify(`Bearer ${await access.issue(role, 60_000)}`), role)
  const token = await access.issue('product', 60_000)
  clock.advanceTo(start + 59_000)
  t.equal(await access.verify(`bearer ${token}`), 'product')
  clock.advanceTo(start + 61_000)
  await t.rejects(access.verify(`Bearer ${token}`), refused)
})

t.test('what we did not sign so is refused', async (t) => {
  const clock = new DrivenClock(start)
  const access = openAccessTokens(secret, clock)
  const now = start / 1_000
  const sign = (alg: string, role: string, audience: string, key = secret) =>
    new SignJWT({ role })
      .setProtectedHeader({ alg })
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(key)
  const good = await sign('HS256', 'privacy', 'tacit-dashboard')
  t.equal(await access.verify(`Bearer ${good}`), 'privacy', 'the control is accepted')
  const [head, body] = good.split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const cases: Record<string, string | undefined> = {
    nothing: undefined,
    'no scheme': good,
    'another scheme': `Basic ${good}`,
    'another key': `Bearer ${await sign('HS256', 'privacy', 'tacit-dashboard', new Uint8Array(32))}`,
    'another algorithm': `Bearer ${await sign('HS384', 'privacy', 'tacit-dashboard', new Uint8Array(48).fill(7))}`,
    'another audience': `Bearer ${await sign('HS256', 'privacy', 'tacit')}`,
    'an unknown role': `Bearer ${await sign('HS256', 'root', 'tacit-dashboard')}`,
    'no algorithm': `Bearer ${none}.${body}.`,
    'no signature': `Bearer ${head}.${body}.`,
    overlong: `Bearer ${'a'.repeat(2_000)}.b.c`,
  }
  for (const [name, value] of Object.entries(cases)) await t.rejects(access.verify(value), refused, name)
})

t.test('weak secrets and endless tokens are refused', async (t) => {
  t.throws(() => openAccessTokens(new Uint8Array(31)), { code: 'ERR_CONFIG_INVALID' })
  const access = openAccessTokens(secret)
  for (const ttl of [0, -1, Number.NaN, 91 * 86_400_000]) {
    await t.rejects(access.issue('product', ttl), { code: 'ERR_CONFIG_INVALID' })
  }
})
