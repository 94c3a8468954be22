/** The approvers: the public keys of those who may approve a rulebook, as TACIT_APPROVERS_FILE names them. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { TacitError } from '@tacit/contracts'
import { z } from 'zod'
import { keySetOf, readKeyPlace } from './key-files.js'

/** Approvers who must have signed. */
export const APPROVALS = 2

const publicJwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(64),
  x: z.string(),
})
const keySet = z.object({ keys: z.array(publicJwk) })

/** Public keys of approvers by their name. */
export type Approvers = ReadonlyMap<string, KeyObject>

const refuse = (what: string): TacitError =>
  new TacitError(
    'ERR_ACTIVATION_APPROVERS',
    `${what} Name in TACIT_APPROVERS_FILE a folder of <kid>.jwk.json files as \`tacit rules keygen\` writes them, or a JSON Web Key Set ({"keys": […]}), of at least two Ed25519 public keys, each with a kid of its own.`,
  )

function readSet(place: string): z.infer<typeof keySet>['keys'] {
  if (!existsSync(place)) throw refuse('There is nothing where TACIT_APPROVERS_FILE points to.')
  let value: unknown
  try {
    value = keySetOf(readKeyPlace(place, { withPem: false }))
  } catch {
    throw refuse('The approvers’ keys cannot be read: that is no JSON.')
  }
  if (publicJwk.safeParse(value).success) {
    throw refuse('TACIT_APPROVERS_FILE holds one key, not a set; one approver alone can approve nothing.')
  }
  const read = keySet.safeParse(value)
  if (!read.success)
    throw refuse('The approvers’ keys cannot be read: that is no set of Ed25519 public keys with kids.')
  return read.data.keys
}

/**
 * Reads the approvers from a key set or a folder of keys.
 * @throws TacitError ERR_ACTIVATION_APPROVERS for what is no such thing, or could approve nothing; never with a value
 */
export function readApprovers(place: string | undefined): Approvers {
  if (place === undefined) throw refuse('Nobody can approve a rulebook yet.')
  const keys = readSet(place)
  const approvers = new Map<string, KeyObject>()
  try {
    for (const { crv, kid, kty, x } of keys)
      approvers.set(kid, createPublicKey({ format: 'jwk', key: { crv, kty, x } }))
  } catch {
    throw refuse('One of the approvers’ keys is no Ed25519 key.')
  }
  if (approvers.size < keys.length) throw refuse('Two of the approvers have one kid.')
  const bytes = [...approvers.values()].map((key) => key.export({ format: 'jwk' }).x)
  if (new Set(bytes).size < keys.length) throw refuse('Two of the approvers have one key.')
  if (approvers.size < APPROVALS)
    throw refuse('There are fewer than two approvers; they can approve nothing.')
  return approvers
}

/** The same while it runs, and before anything else: a wrong setting is said at once, one that is not set when it is asked for. */
export function approversOf(place: string | undefined): () => Approvers {
  if (place !== undefined) readApprovers(place)
  return () => readApprovers(place)
}
