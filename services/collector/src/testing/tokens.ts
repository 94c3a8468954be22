/** For tests: tokens signed by hand with node:crypto, so that the library which verifies them does not also make them. */
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { JWK } from 'jose'

const part = (value: unknown): string => {
  const json = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(json, 'utf8').toString('base64url')
}

export type Claims = Readonly<Record<string, unknown>>

export interface Signer {
  readonly jwk: JWK
  /** @param claims an object, or the JSON of one */
  sign(claims: Claims | string, header?: Claims): string
}

/** A token whose signature is made by `mac` of its first two parts. */
export function compact(header: Claims, claims: Claims | string, mac: (input: string) => Buffer): string {
  const input = `${part(header)}.${part(claims)}`
  return `${input}.${mac(input).toString('base64url')}`
}

export const hmac = (secret: Uint8Array) => (input: string) =>
  createHmac('sha256', secret).update(input).digest()

export function edSigner(kid: string): Signer & { readonly publicKey: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return {
    publicKey,
    jwk: { kty: 'OKP', crv: 'Ed25519', kid, x },
    sign: (claims, header = {}) =>
      compact({ alg: 'EdDSA', kid, ...header }, claims, (input) =>
        sign(null, Buffer.from(input), privateKey),
      ),
  }
}

export function hmacSigner(kid: string): Signer {
  const secret = randomBytes(32)
  return {
    jwk: { kty: 'oct', kid, k: secret.toString('base64url') },
    sign: (claims, header = {}) => compact({ alg: 'HS256', kid, ...header }, claims, hmac(secret)),
  }
}

/** Claims of a person who consented; issued at `now` (ms) for five minutes. */
export function grantedClaims(now: number, changes: Claims = {}): Claims {
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
    consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-11-17T10:00:00Z' },
    ...changes,
  }
}
