/**
 * The ERP's token: a short-lived JWT (EdDSA, or HS256) that says who and what was consented to. A token is verified
 * once and remembered by its hash for as long as it is valid, at most 15 minutes, because a page sends many beacons under
 * one token. What is remembered is bounded; a forged token is never remembered, so it cannot push a good one out.
 */
import { hash } from 'node:crypto'
import { GenerationCache, MAX_RAW_AGE_MS, type TokenResult } from '@tacit/anonymizer'
import { type Clock, MINUTE } from '@tacit/contracts'
import { type CryptoKey, errors, importJWK, type JWK, jwtVerify, type KeyObject } from 'jose'
import {
  EXPIRED,
  FORGED,
  LEEWAY_S,
  readClaims,
  refused,
  type VerifiedToken,
  WRONG_AUDIENCE,
} from './token-claims.js'

const MAX_TOKENS = 20_000
/** Replayed tokens that are remembered past the cache: each was signed by the ERP, so they are few. */
const MAX_REPLAYED = 1_000
/** Headers that say which key to believe (RFC 7515, 4.1.2-4.1.6): keys are ours to choose, so who sends one is no ERP. */
const SELF_VOUCHING = ['jwk', 'jku', 'x5u', 'x5c'] as const

type VerificationKey = CryptoKey | KeyObject | Uint8Array

interface KnownKey {
  readonly algorithm: 'EdDSA' | 'HS256'
  readonly key: VerificationKey
}

/** Bytes of the shortest secret: an HMAC's key is no shorter than its output (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32

/** Keys by `kid`. */
export type TokenKeys = ReadonlyMap<string, KnownKey>

/**
 * The keys of a JSON Web Key Set by `kid`.
 * @throws TypeError for a key that is neither OKP/Ed25519 nor oct of at least 32 bytes, or has no kid, or one that another has
 */
export async function importTokenKeys(jwks: { readonly keys: readonly JWK[] }): Promise<TokenKeys> {
  const known = new Map<string, KnownKey>()
  for (const jwk of jwks.keys) {
    const algorithm = jwk.kty === 'OKP' ? 'EdDSA' : jwk.kty === 'oct' ? 'HS256' : null
    if (algorithm === null || jwk.kid === undefined) {
      throw new TypeError('each token key needs a kid and must be of type OKP (Ed25519) or oct (HS256)')
    }
    if (jwk.kty === 'oct' && Buffer.from(jwk.k ?? '', 'base64url').length < MIN_SECRET_BYTES) {
      throw new TypeError('a secret (oct) has at least 32 bytes')
    }
    if (known.has(jwk.kid)) throw new TypeError('two token keys have one kid')
    const { d: _private, ...publicPart } = jwk
    known.set(jwk.kid, { algorithm, key: await importJWK(publicPart, algorithm) })
  }
  return known
}

/** Base64url has many spellings of the same bytes. A token has one, or each spelling would have a rate of its own. */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

export interface TokenVerifier {
  /** What a token says; synchronous where it is remembered. @param now ms */
  verify(token: string, now: number): VerifiedToken | Promise<VerifiedToken>
  /** Verifies with other keys from now on: what the former ones verified is forgotten at once. */
  replaceKeys(keys: TokenKeys): void
  /** Forgets what is due; call it on a timer. */
  expire(): void
  /** Forgets what tokens said, at once; which were replayed stays known, and says nothing of anybody. */
  forget(): void
}

/** @param first keys by `kid`, from {@link importTokenKeys}; with none, every token is forged */
export function createTokenVerifier(first: TokenKeys, clock: Clock): TokenVerifier {
  let keys = first
  const seen = new GenerationCache<VerifiedToken>({ maxEntries: MAX_TOKENS, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const pending = new Map<string, Promise<VerifiedToken>>()
  // The cache forgets after half its age at the earliest; what was replayed stays so until it expires. No claims in it.
  const replayed = new Map<string, VerifiedToken>()

  function remember(digest: string, token: VerifiedToken): void {
    const oldest = replayed.keys().next()
    if (replayed.size >= MAX_REPLAYED && !oldest.done) replayed.delete(oldest.value)
    replayed.set(digest, refused('replayed', token.expires))
  }

  function forget(): void {
    seen.clear()
    pending.clear()
  }

  async function check(token: string, at: number): Promise<VerifiedToken> {
    if (!isCanonical(token)) return FORGED
    try {
      const { payload } = await jwtVerify(
        token,
        (header) => {
          if (SELF_VOUCHING.some((name) => name in header)) throw new errors.JWKSNoMatchingKey()
          const known = header.kid === undefined ? undefined : keys.get(header.kid)
          if (known === undefined || known.algorithm !== header.alg) throw new errors.JWKSNoMatchingKey()
          return known.key
        },
        {
          algorithms: ['EdDSA', 'HS256'],
          audience: 'tacit',
          clockTolerance: LEEWAY_S,
          requiredClaims: ['iat', 'exp'],
          currentDate: new Date(at),
        },
      )
      return readClaims(payload, at)
    } catch (error) {
      if (error instanceof errors.JWTExpired) return EXPIRED
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') return WRONG_AUDIENCE
      return FORGED
    }
  }

  return {
    verify(token, at) {
      const digest = hash('sha256', token, 'base64')
      const known = replayed.get(digest) ?? seen.get(digest)
      if (known?.replayed === true) remember(digest, known)
      if (known !== undefined) return at < known.expires ? known : EXPIRED
      let checking: Promise<VerifiedToken> | undefined = pending.get(digest)
      if (checking === undefined) {
        checking = check(token, at).then((verified) => {
          // Keys that were replaced meanwhile verify nothing.
          if (pending.get(digest) !== checking) return verified
          pending.delete(digest)
          if (verified.result.state === 'valid') seen.set(digest, verified)
          return verified
        })
        pending.set(digest, checking)
      }
      return checking
    },
    replaceKeys(next) {
      keys = next
      forget()
    },
    forget,
    expire() {
      seen.expire()
      const now = clock.now()
      for (const [digest, { expires }] of replayed) if (now >= expires) replayed.delete(digest)
    },
  }
}

/** A token that sends so many times its rate within a minute is no person's page. */
const REPLAY_FACTOR = 10
export const REPLAYED: TokenResult = { state: 'replayed' }

/**
 * How many of `wanted` events a token may send now, of `limit` a minute; the rest is `rate`. Counts them as sent, and
 * marks a token that is replayed: beyond ten times its rate.
 */
export function takeAllowance(token: VerifiedToken, wanted: number, limit: number, now: number): number {
  const minute = Math.floor(now / MINUTE)
  if (token.minute !== minute) {
    token.minute = minute
    token.used = 0
  }
  const allowed = Math.max(0, Math.min(wanted, limit - token.used))
  token.used += wanted
  if (token.used > limit * REPLAY_FACTOR) token.replayed = true
  return allowed
}
