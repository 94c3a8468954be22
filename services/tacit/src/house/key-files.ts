/**
 * Public keys as their owners lay them down: a JSON Web Key Set in a file, or a folder with one file a key, named by its
 * kid. No address is ever fetched.
 */
import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { JWK } from 'jose'

const JWK_SUFFIX = '.jwk.json'
const PEM_SUFFIX = '.pem'

/** What lies at a place. */
export interface KeyPlace {
  readonly isFolder: boolean
  /** equal texts, equal keys */
  readonly text: string
}

/** Reads a place. @param withPem whether a folder's `<kid>.pem` are public keys too @throws Error of the system */
export function readKeyPlace(place: string, { withPem }: { readonly withPem: boolean }): KeyPlace {
  if (!statSync(place).isDirectory()) return { isFolder: false, text: readFileSync(place, 'utf8') }
  const files = readdirSync(place).filter(
    (name) => name.endsWith(JWK_SUFFIX) || (withPem && name.endsWith(PEM_SUFFIX)),
  )
  const contents = files.sort().map((name) => [name, readFileSync(join(place, name), 'utf8')])
  return { isFolder: true, text: JSON.stringify(contents) }
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

/** The key set of a place; of a folder, the file's name is the kid. Whether the keys are any is asked by who uses them. */
export function keySetOf({ isFolder, text }: KeyPlace): { readonly keys: readonly JWK[] } {
  const value: unknown = JSON.parse(text)
  if (!isFolder) return value as { readonly keys: readonly JWK[] }
  return { keys: (value as readonly (readonly [string, string])[]).map(([name, file]) => keyOf(name, file)) }
}
