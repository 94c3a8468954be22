/**
 * For ERP back ends: signs the short-lived tokens that Tacit reads (docs/tokens.md). The raw user id never leaves the back
 * end: `sub` is a keyed value of it, under a key that Tacit does not have.
 */
import { createHmac } from 'node:crypto'
import { lengthPrefixed } from '@tacit/contracts'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

/** Seconds that a token lives; Tacit refuses one that would live longer (`token.expired`). */
export const TOKEN_LIFE_S = 15 * 60
const MIN_SECRET_BYTES = 32

export interface TokenIssuerOptions {
  /** private key with a `kid`: OKP (Ed25519, signs EdDSA) or oct (at least 32 bytes, signs HS256) */
  readonly signingKey: JWK
  /** of the ERP's own, at least 32 random bytes, never given to Tacit: makes `sub` of tenant and user */
  readonly subjectKey: Uint8Array
  /** region of the people, as the rulebook's site states it, e.g. `in` */
  readonly region: string
  /** version of the privacy policy that people are asked about, e.g. `2026-11-01` */
  readonly policy: string
}

/** What a token says of one person. */
export interface TokenSubject {
  /** the customer's id */
  readonly tenant: string
  /** the ERP's own id of the person; it stays here */
  readonly user: string
  /** only people of established customers count towards thresholds */
  readonly standing: 'established' | 'trial' | 'internal'
  readonly role?: string
  /** month in which the person joined, `2026-03` */
  readonly cohort?: string
  /** whether the ERP knows the person to be an adult; otherwise nothing is counted */
  readonly adult: boolean
  readonly consent: {
    readonly analytics: 'granted' | 'denied'
    /** when the person chose */
    readonly at: Date
  }
}

export interface TokenIssuer {
  /** A signed token of 15 minutes. Ask for it anew when it is nearly over. */
  issue(subject: TokenSubject): Promise<string>
}

/**
 * The keyed value that stands for a person: base64url of HMAC-SHA256(subjectKey, LP(tenant, user)), where LP puts before
 * each text its length in UTF-8 as four bytes, big endian.
 */
export function subjectOf(subjectKey: Uint8Array, tenant: string, user: string): string {
  return createHmac('sha256', subjectKey).update(lengthPrefixed(tenant, user)).digest('base64url')
}

function algorithmOf(key: JWK): 'EdDSA' | 'HS256' {
  if (key.kid === undefined || key.kid === '') throw new TypeError('The signing key needs a kid')
  if (key.kty === 'OKP' && key.crv === 'Ed25519' && key.d !== undefined) return 'EdDSA'
  if (key.kty === 'oct' && Buffer.from(key.k ?? '', 'base64url').length >= MIN_SECRET_BYTES) return 'HS256'
  throw new TypeError('The signing key is a private Ed25519 key (OKP) or a secret of at least 32 bytes (oct)')
}

/** Makes an issuer. @throws TypeError for keys that are too short or of another kind */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { policy, region, signingKey, subjectKey } = options
  const alg = algorithmOf(signingKey)
  if (subjectKey.length < MIN_SECRET_BYTES) throw new TypeError('The subject key has at least 32 bytes')
  const key = importJWK(signingKey, alg)
  return {
    async issue({ adult, cohort, consent, role, standing, tenant, user }) {
      if (tenant === '' || user === '') throw new TypeError('A token is for a tenant and a user')
      const issued = Math.floor(Date.now() / 1000)
      return new SignJWT({
        tenant,
        standing,
        ...(role === undefined ? {} : { role }),
        ...(cohort === undefined ? {} : { cohort }),
        // Absent is refused: what the ERP does not know it does not claim.
        ...(adult ? { adult: true } : {}),
        region,
        consent: { analytics: consent.analytics, policy, at: consent.at.toISOString() },
      })
        .setProtectedHeader({ alg, kid: signingKey.kid as string })
        .setSubject(subjectOf(subjectKey, tenant, user))
        .setAudience('tacit')
        .setIssuedAt(issued)
        .setExpirationTime(issued + TOKEN_LIFE_S)
        .sign(await key)
    },
  }
}

/** A fresh Ed25519 pair: the key that signs, and the JSON Web Key Set for TACIT_TOKEN_KEYS_FILE. */
export async function generateTokenKeys(
  kid: string,
): Promise<{ readonly signingKey: JWK; readonly jwks: { readonly keys: readonly JWK[] } }> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  return {
    signingKey: { ...(await exportJWK(privateKey)), kid, alg: 'EdDSA' },
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' }] },
  }
}
