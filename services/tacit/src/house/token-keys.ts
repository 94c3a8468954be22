/**
 * The keys that verify the ERP's tokens, and their rotation: a JSON Web Key Set in a file, or a folder with one file a key
 * (`<kid>.jwk.json`, or an Ed25519 public key as `<kid>.pem`). No address is ever fetched. While an instance runs the
 * place is looked at again; what cannot be read changes nothing, and is said once.
 */
import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { importTokenKeys, type TokenKeys } from '@tacit/collector'
import { TacitError } from '@tacit/contracts'
import type { JWK } from 'jose'

const JWK_SUFFIX = '.jwk.json'
const PEM_SUFFIX = '.pem'

/** What lies at a place, as text: equal texts, equal keys. */
function textOf(place: string): string {
  if (!statSync(place).isDirectory()) return readFileSync(place, 'utf8')
  const files = readdirSync(place).filter((name) => name.endsWith(JWK_SUFFIX) || name.endsWith(PEM_SUFFIX))
  return JSON.stringify(files.sort().map((name) => [name, readFileSync(join(place, name), 'utf8')]))
}

function keyOf(name: string, text: string): JWK {
  if (name.endsWith(PEM_SUFFIX)) {
    return {
      ...(createPublicKey(text).export({ format: 'jwk' }) as JWK),
      kid: name.slice(0, -PEM_SUFFIX.length),
    }
  }
  return { ...(JSON.parse(text) as JWK), kid: name.slice(0, -JWK_SUFFIX.length) }
}

async function keysOf(place: string, text: string): Promise<TokenKeys> {
  const value = JSON.parse(text) as { readonly keys: readonly JWK[] } | readonly (readonly [string, string])[]
  if (!statSync(place).isDirectory()) return importTokenKeys(value as { readonly keys: readonly JWK[] })
  const files = value as readonly (readonly [string, string])[]
  return importTokenKeys({ keys: files.map(([name, content]) => keyOf(name, content)) })
}

/** The keys at a place; none without one. @throws TacitError ERR_CONFIG_INVALID */
export async function loadTokenKeys(place: string | undefined): Promise<TokenKeys> {
  if (place === undefined) return new Map()
  try {
    return await keysOf(place, textOf(place))
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
        text = textOf(place)
        if (text === known || text === bad) return null
        const keys = await keysOf(place, text)
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
