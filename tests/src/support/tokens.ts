/** Tokens of an ERP, signed by hand with node:crypto: what the product verifies with its library is made without it. */
import { generateKeyPairSync, sign } from 'node:crypto'

const part = (value: unknown): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')

/** One signing key of an ERP, and what its collector may know of it. */
export interface TokenSigner {
  /** member of a JSON Web Key Set */
  readonly jwk: Record<string, string>
  /** a compact JWT; `header` replaces members of the header */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): string
}

export function edSigner(kid: string): TokenSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return {
    jwk: { kty: 'OKP', crv: 'Ed25519', kid, x },
    sign(claims, header = {}) {
      const input = `${part({ alg: 'EdDSA', kid, ...header })}.${part(claims)}`
      return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
    },
  }
}

/** Claims of a person who consented, valid for five minutes from `now` (ms). */
export function grantedClaims(now: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const iat = Math.floor(now / 1000)
  return {
    aud: 'tacit',
    iat,
    exp: iat + 300,
    tenant: 't-001',
    standing: 'established',
    sub: 'person-0001',
    role: 'accounts',
    cohort: '2026-03',
    adult: true,
    region: 'in',
    consent: {
      analytics: 'granted',
      policy: '2026-11-01',
      at: new Date(now - 86_400_000).toISOString().replace(/\.\d+/, ''),
    },
    ...changes,
  }
}
