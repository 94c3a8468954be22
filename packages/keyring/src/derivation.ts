/** How a pseudonym key is derived from roots. Source: design.md, decision 2 (HKDF: RFC 5869). */
import { hkdf32, lengthPrefixed, TacitError } from '@tacit/contracts'
import type { KeyScope } from './port.js'

/** Length of every root and key, in bytes. */
export const KEY_BYTES = 32

const SALT = lengthPrefixed('pseudonym-salt/v1')

export interface PseudonymKeyInputs {
  /** 32 random bytes of the (stream, epoch) */
  readonly epochRoot: Uint8Array
  /** 32 random bytes of the tenant or the network site; null for the tenants' own pseudonyms, and only for them */
  readonly scopeRoot: Uint8Array | null
  readonly purpose: string
  readonly scope: KeyScope
  /** epoch label, e.g. `day:2026-08-05` */
  readonly epoch: string
}

/**
 * K = HKDF-SHA256(ikm = epochRoot ‖ scopeRoot, salt = LP("pseudonym-salt/v1"),
 * info = LP("pseudonym/v1", purpose, tenant, epoch), 32).
 * A network site's root and id stand in the tenant's places. For the tenants themselves ikm is the epoch root alone and
 * the tenant is the empty string; the shorter ikm keeps that key apart from a tenant named "".
 * @returns 32 bytes in memory of their own (no pool), for the caller to zero
 * @throws TacitError ERR_KEY_STORE where a root is not 32 bytes, or is missing where the scope needs one
 */
export function derivePseudonymKey(inputs: PseudonymKeyInputs): Buffer {
  const { epochRoot, scopeRoot, purpose, scope, epoch } = inputs
  const isRooted = scope.of !== 'tenants'
  if (epochRoot.length !== KEY_BYTES || isRooted !== (scopeRoot !== null))
    throw new TacitError('ERR_KEY_STORE')
  if (scopeRoot !== null && scopeRoot.length !== KEY_BYTES) throw new TacitError('ERR_KEY_STORE')
  const ikm = scopeRoot === null ? [epochRoot] : [epochRoot, scopeRoot]
  return hkdf32(ikm, SALT, lengthPrefixed('pseudonym/v1', purpose, scopeId(scope), epoch))
}

/** What stands in the tenant's place of `info`. */
function scopeId(scope: KeyScope): string {
  switch (scope.of) {
    case 'tenant':
      return scope.tenant
    case 'site':
      return scope.site
    case 'tenants':
      return ''
    default: {
      const never: never = scope
      throw new TypeError(`unknown scope ${String(never)}`)
    }
  }
}
