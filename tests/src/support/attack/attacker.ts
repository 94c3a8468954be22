/**
 * The attacker program: all that is left on the machine, the full list of users and the ERP's key, against one epoch's rows.
 *
 * Its work is bounded: each 32 bytes (candidates.ts) once, four HMACs each as root or tenants' key of the epoch. As keys of
 * single tenants it tries what the master key file unwraps, and everything outside the log and the warehouse; that those
 * keys lie nowhere at all is looked for byte by byte in tests/src/attacks/destroyed-keys.test.ts. About 20 s of one core.
 */
import { decodedOf, isBinary, unwrappedSecrets, windowsOf } from './candidates.js'
import type { StoredPerson } from './house.js'
import type { Loot } from './loot.js'
import { PEOPLE } from './people.js'
import { type Relinked, Relinking } from './relink.js'

export interface Spoils {
  readonly loot: readonly Loot[]
  readonly master: Buffer
  readonly heapStrings: readonly string[]
}

export interface Attacked extends Relinked {
  /** secrets that the master key file unwrapped */
  readonly unwrapped: number
  /** different 32 bytes that were tried */
  readonly tried: number
  readonly hmacs: number
  readonly seconds: number
}

/** Bulk: what is in them is ciphertext and rows by the megabyte. Everything else is searched more closely. */
const BULK = /(?:^|\/)(?:log|clickhouse)\//

/**
 * @param epoch e.g. `day:2026-11-09` @param around ms, a moment in it
 * @param stored what an insider kept of the epoch's rows: worst case, all of it
 */
export function attack(
  { heapStrings, loot, master }: Spoils,
  stored: readonly StoredPerson[],
  { around, epoch, purpose }: { readonly epoch: string; readonly around: number; readonly purpose: string },
): Attacked {
  const started = performance.now()
  const relinking = new Relinking(stored, PEOPLE, { epoch, purpose })
  const tried = new Set<string>()
  const tryOnEpoch = (candidate: Buffer): void => {
    const text = candidate.toString('latin1')
    if (tried.has(text)) return
    tried.add(text)
    relinking.tryAsEpoch(candidate)
  }
  const secrets = unwrappedSecrets(loot, master, around)
  const small = loot.filter(({ name }) => !BULK.test(name))
  const close = [...secrets, ...closeCandidates(small, heapStrings)]
  for (const candidate of close) tryOnEpoch(candidate)
  for (const candidate of close) relinking.tryAsTenant(candidate)
  // Who has everybody stops here; who has nobody looks at all the rest.
  if (relinking.found.people < PEOPLE.length) {
    for (const { bytes } of loot) {
      for (const candidate of windowsOf(bytes)) tryOnEpoch(candidate)
      for (const decoded of decodedOf(bytes.toString('latin1')))
        for (const candidate of windowsOf(decoded)) tryOnEpoch(candidate)
    }
    for (const text of heapStrings) {
      for (const decoded of decodedOf(text)) for (const candidate of windowsOf(decoded)) tryOnEpoch(candidate)
      if (isBinary(text))
        for (const candidate of windowsOf(Buffer.from(text, 'latin1'))) tryOnEpoch(candidate)
    }
    for (const secret of secrets) relinking.tryAsTenant(secret)
  }
  const { people, tenants } = relinking.found
  return {
    people,
    tenants,
    unwrapped: secrets.length,
    tried: tried.size,
    hmacs: relinking.work,
    seconds: (performance.now() - started) / 1_000,
  }
}

/** Those that are tried as keys of each single tenant too, which costs forty times as much. */
function closeCandidates(small: readonly Loot[], heapStrings: readonly string[]): Buffer[] {
  const windows = small.flatMap(({ bytes }) => [...windowsOf(bytes)])
  const texts = heapStrings.filter((text) => text.length >= 43 && text.length <= 66)
  const decoded = texts.flatMap((text) => [...decodedOf(text)].filter(({ length }) => length >= 32))
  return [...windows, ...decoded.map((bytes) => bytes.subarray(0, 32))]
}
