/**
 * What a token claims: audience, times, shape. The same judgement for a token whose signature was verified and for claims
 * that stand in its place (`rules try`, `import`), so that a case says what its request would come to.
 */
import type { TokenResult } from '@tacit/anonymizer'
import { tokenClaims } from '@tacit/contracts'
import type { JWTPayload } from 'jose'

/** Seconds from a token's `iat` to its `exp`, at most (interface.md). */
export const TOKEN_LIFE_S = 15 * 60
/** Clocks of the ERP and of the collector may differ by this much. */
export const LEEWAY_S = 60

/** A token that was verified, and how many events it sent in the current minute. */
export interface VerifiedToken {
  readonly result: TokenResult
  /** ms; after this the token is expired */
  readonly expires: number
  minute: number
  used: number
  /** it sent far beyond its rate, and is refused for the rest of its life */
  replayed?: boolean
}

/** A token that says nothing. @param expires ms; until when that is known of it */
export const refused = (
  state: 'missing' | 'expired' | 'forged' | 'wrong_audience' | 'replayed',
  expires = Number.POSITIVE_INFINITY,
): VerifiedToken => ({
  result: { state },
  expires,
  minute: 0,
  used: 0,
})

export const MISSING_TOKEN = refused('missing')
export const EXPIRED = refused('expired')
export const FORGED = refused('forged')
export const WRONG_AUDIENCE = refused('wrong_audience')

/** A time of a token (seconds, RFC 7519 NumericDate), or undefined where it states none. */
type Stated = number | undefined

const isStated = (value: unknown): value is Stated => value === undefined || typeof value === 'number'

/** Why a token's times refuse it, in the order in which `jose` asks: not yet, no more, and then our own. @param now s */
function refusalOfTimes(nbf: Stated, exp: Stated, iat: Stated, now: number): VerifiedToken | null {
  if (nbf !== undefined && nbf > Math.floor(now) + LEEWAY_S) return FORGED
  if (exp !== undefined && now >= exp + LEEWAY_S) return EXPIRED
  // Issued ahead of the clock it would outlive its 15 minutes; ending before it began, it is of no ERP's making.
  if (iat !== undefined && iat > now + LEEWAY_S) return FORGED
  if (iat !== undefined && exp !== undefined && exp < iat) return FORGED
  // Longer than a token may live, whatever is left of it. It is signed by the ERP, for us: of the closed list of reasons
  // neither `forged` (somebody else made it) nor `wrong_audience` is true. What is wrong is its end, and the ERP's team
  // that looks for `token.expired` looks at the right line of its code.
  if (iat !== undefined && exp !== undefined && exp - iat > TOKEN_LIFE_S) return EXPIRED
  return iat !== undefined && now >= iat + TOKEN_LIFE_S + LEEWAY_S ? EXPIRED : null
}

/**
 * Claims after the signature, or in its place: then `aud`, `iat`, `nbf` and `exp` may be missing, as if the ERP had just
 * signed, but what stands there is judged as in a token. @param now ms
 */
export function readClaims(payload: JWTPayload, now: number): VerifiedToken {
  const { aud, exp, iat, nbf } = payload as Readonly<Record<string, unknown>>
  if (aud !== undefined && ![aud].flat().includes('tacit')) return WRONG_AUDIENCE
  if (!isStated(nbf) || !isStated(exp) || !isStated(iat)) return FORGED
  const refusal = refusalOfTimes(nbf, exp, iat, now / 1000)
  if (refusal !== null) return refusal
  const claims = tokenClaims.safeParse(payload)
  if (!claims.success) return FORGED
  const longest = (iat === undefined ? now / 1000 : iat) + TOKEN_LIFE_S
  const expires = (Math.min(exp ?? longest, longest) + LEEWAY_S) * 1000
  return { result: { state: 'valid', claims: claims.data }, expires, minute: 0, used: 0 }
}
