/**
 * Access tokens of the dashboard: JWT, HS256, signed with the installation's own secret and short-lived. A token says a
 * role and nothing about the person who holds it.
 */
import { TacitError, systemClock, type Clock } from '@tacit/contracts'
import { SignJWT, jwtVerify } from 'jose'

/** `operator` is the machine's own role: `tacit` uses it against a running instance. */
export const ROLES = ['product', 'privacy', 'admin', 'operator'] as const
export type Role = (typeof ROLES)[number]

export interface AccessTokens {
  /** A token for `role`. @param ttlMs lifetime in milliseconds, at least a second and at most 90 days */
  issue(role: Role, ttlMs: number): Promise<string>
  /** The role of an `Authorization` header's value. @throws TacitError ERR_ACCESS_TOKEN */
  verify(bearer: string | undefined): Promise<Role>
}

const ALGORITHM = 'HS256'
const AUDIENCE = 'tacit-dashboard'
/** RFC 7518, 3.2: a key of the size of the hash output or larger. */
const MIN_SECRET_BYTES = 32
const MAX_TOKEN_CHARACTERS = 1_024
const MAX_TTL_MS = 90 * 86_400_000

/**
 * @param secret at least 32 random bytes
 * @throws TacitError ERR_CONFIG_INVALID where the secret is too short
 */
export function openAccessTokens(secret: Uint8Array, clock: Clock = systemClock): AccessTokens {
  if (secret.length < MIN_SECRET_BYTES) {
    throw new TacitError('ERR_CONFIG_INVALID', 'The secret of access tokens needs at least 32 bytes')
  }
  return {
    async issue(role, ttlMs) {
      if (!(ttlMs >= 1_000 && ttlMs <= MAX_TTL_MS)) {
        throw new TacitError('ERR_CONFIG_INVALID', 'An access token lives between a second and 90 days')
      }
      const now = Math.floor(clock.now() / 1_000)
      return new SignJWT({ role })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setAudience(AUDIENCE)
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(ttlMs / 1_000))
        .sign(secret)
    },
    async verify(bearer) {
      const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(bearer ?? '')?.[1]
      if (token === undefined || token.length > MAX_TOKEN_CHARACTERS) throw new TacitError('ERR_ACCESS_TOKEN')
      try {
        const { payload } = await jwtVerify(token, secret, {
          algorithms: [ALGORITHM],
          audience: AUDIENCE,
          requiredClaims: ['exp', 'iat'],
          currentDate: new Date(clock.now()),
        })
        const role = ROLES.find((known) => known === payload['role'])
        if (role !== undefined) return role
      } catch {
        // why a token fails is nobody's business but the signer's
      }
      throw new TacitError('ERR_ACCESS_TOKEN')
    },
  }
}
