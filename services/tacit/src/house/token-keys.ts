/**
 * The keys that verify the ERP's tokens, and their rotation: a JSON Web Key Set in a file, or a folder with one file a key
 * (`<kid>.jwk.json`, or an Ed25519 public key as `<kid>.pem`). No address is ever fetched. While an instance runs the
 * place is looked at again; what cannot be read changes nothing, and is said once.
 */
import { importTokenKeys, type TokenKeys } from '@tacit/collector'
import { TacitError } from '@tacit/contracts'
import { keySetOf, readKeyPlace } from './key-files.js'

const WITH_PEM = { withPem: true }

/** The keys at a place; none without one. @throws TacitError ERR_CONFIG_INVALID */
export async function loadTokenKeys(place: string | undefined): Promise<TokenKeys> {
  if (place === undefined) return new Map()
  try {
    return await importTokenKeys(keySetOf(readKeyPlace(place, WITH_PEM)))
  } catch (cause) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'The token keys cannot be read: give a JSON Web Key Set, or a folder of <kid>.jwk.json and <kid>.pem, with keys of type OKP (Ed25519) or oct of at least 32 bytes, each with a kid of its own',
      { cause },
    )
  }
}

export interface TokenKeyWatch {
  /** Looks at the place again. @returns other keys, or null where nothing changed */
  look(): Promise<TokenKeys | null>
}

/** Watches a place whose keys were loaded. @param alarm told once of each state that cannot be read */
export function watchTokenKeys(place: string | undefined, alarm: (message: string) => void): TokenKeyWatch {
  if (place === undefined) return { look: async () => null }
  let known: string | null = null
  let bad: string | null = null
  return {
    async look() {
      let text = ''
      try {
        const read = readKeyPlace(place, WITH_PEM)
        text = read.text
        if (text === known || text === bad) return null
        const keys = await importTokenKeys(keySetOf(read))
        known = text
        bad = null
        return keys
      } catch {
        if (bad !== text) alarm('the token keys changed and cannot be read; the former ones go on verifying')
        bad = text
        return null
      }
    },
  }
}
