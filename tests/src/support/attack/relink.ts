/**
 * Who is behind the stored rows of an epoch: tries keys until they make pseudonyms that are stored, of people and tenants
 * whom the attacker knows by name. Written from the description in docs and nothing of the house's own code.
 *
 * Three things would do, and each is told by one pseudonym: the epoch's root (it makes the tenants' key), the tenants' key
 * itself, and one tenant's key. With the epoch's root, people of a tenant need that tenant's root besides.
 */
import { createHmac, hash } from 'node:crypto'
import type { StoredPerson } from './house.js'
import { type ListedPerson, SUBJECT_KEY } from './people.js'

const BLOCK = 64
const KEY_BYTES = 32
const MAX_MESSAGE = 4_096
const PSEUDONYM_BYTES = 16

/** Each part after its length, four bytes, big endian. */
function parts(...values: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const bytes = Buffer.from(value)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

const SALT = parts('pseudonym-salt/v1')

/** HMAC-SHA256 (RFC 2104) for keys of up to 32 bytes, several times as fast as `createHmac`; counts what it does. */
class Hmac {
  count = 0
  /** beyond a key's 32 bytes, a padded block is the pad */
  readonly #inner = Buffer.alloc(BLOCK + MAX_MESSAGE, 0x36)
  readonly #outer = Buffer.alloc(BLOCK + KEY_BYTES, 0x5c)

  of(key: Buffer, ...message: readonly Buffer[]): string {
    this.count += 1
    const inner = this.#inner
    const outer = this.#outer
    for (let at = 0; at < KEY_BYTES; at++) {
      const byte = at < key.length ? (key[at] as number) : 0
      inner[at] = byte ^ 0x36
      outer[at] = byte ^ 0x5c
    }
    let end = BLOCK
    for (const part of message) {
      inner.set(part, end)
      end += part.length
    }
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), BLOCK, 'latin1')
    return hash('sha256', outer, 'binary')
  }
}

const pseudonymIn = (stored: ReadonlySet<string>, mac: string): boolean =>
  stored.has(mac.slice(0, PSEUDONYM_BYTES))

const bytesOf = (pseudonym: string): string => Buffer.from(pseudonym, 'base64url').toString('latin1')

interface Known {
  readonly tenant: string
  /** `info` of the tenant's key, with the counter of the only block (RFC 5869, 2.3) */
  readonly info: Buffer
  readonly tenantMessage: Buffer
  readonly people: readonly Buffer[]
}

interface Attacked {
  readonly purpose: string
  /** e.g. `day:2026-11-09` */
  readonly epoch: string
}

const infoOf = ({ epoch, purpose }: Attacked, tenant: string): Buffer =>
  Buffer.concat([parts('pseudonym/v1', purpose, tenant, epoch), Buffer.of(1)])

/** The people by tenant, each as the message whose keyed hash is stored. */
function knownOf(people: readonly ListedPerson[], attacked: Attacked): Known[] {
  const tenants = new Set(people.map(({ tenant }) => tenant))
  return [...tenants].map((tenant) => ({
    tenant,
    info: infoOf(attacked, tenant),
    tenantMessage: parts('tenant', tenant),
    people: people.flatMap(({ tenant: of, user }) => {
      if (of !== tenant) return []
      const subject = createHmac('sha256', SUBJECT_KEY).update(parts(tenant, user)).digest('base64url')
      return [parts('uid', subject)]
    }),
  }))
}

export interface Relinked {
  readonly people: number
  readonly tenants: number
}

/** One epoch's rows under attack. */
export class Relinking {
  readonly #hmac = new Hmac()
  readonly #known: readonly Known[]
  readonly #storedTenants: ReadonlySet<string>
  readonly #storedPeople: ReadonlySet<string>
  readonly #tenantsInfo: Buffer
  readonly #roots: Buffer[] = []
  readonly #people = new Map<string, number>()
  readonly #tenants = new Set<string>()

  constructor(stored: readonly StoredPerson[], people: readonly ListedPerson[], attacked: Attacked) {
    this.#storedTenants = new Set(stored.map(({ tenant }) => bytesOf(tenant)))
    this.#storedPeople = new Set(stored.map(({ person }) => bytesOf(person)))
    this.#known = knownOf(people, attacked)
    this.#tenantsInfo = infoOf(attacked, '')
  }

  get found(): Relinked {
    const people = [...this.#people.values()].reduce((sum, count) => sum + count, 0)
    return { people, tenants: this.#tenants.size }
  }

  /** HMACs computed so far. */
  get work(): number {
    return this.#hmac.count
  }

  /** Tries 32 bytes as the epoch's root and as the tenants' key. */
  tryAsEpoch(candidate: Buffer): void {
    if (this.#tryAsTenantsKey(this.#derived(this.#tenantsInfo, candidate)))
      this.#roots.push(Buffer.from(candidate))
    this.#tryAsTenantsKey(candidate)
  }

  /** Tries 32 bytes as the root of a tenant, under the epoch's root where that was found, and as a tenant's key. */
  tryAsTenant(candidate: Buffer): void {
    for (const known of this.#known) {
      if (this.#people.has(known.tenant)) continue
      this.#tryAsTenantKey(candidate, known)
      for (const root of this.#roots) {
        this.#tryAsTenantKey(this.#derived(known.info, root, candidate), known)
      }
    }
  }

  /** RFC 5869 of one block. */
  #derived(info: Buffer, ...secret: readonly Buffer[]): Buffer {
    return latin(this.#hmac.of(latin(this.#hmac.of(SALT, ...secret)), info))
  }

  #tryAsTenantsKey(key: Buffer): boolean {
    const [first] = this.#known
    const isStored = ({ tenantMessage }: Known): boolean =>
      pseudonymIn(this.#storedTenants, this.#hmac.of(key, tenantMessage))
    if (first === undefined || !isStored(first)) return false
    for (const known of this.#known) if (isStored(known)) this.#tenants.add(known.tenant)
    return true
  }

  #tryAsTenantKey(key: Buffer, { people, tenant }: Known): void {
    const isStored = (message: Buffer): boolean =>
      pseudonymIn(this.#storedPeople, this.#hmac.of(key, message))
    const [first] = people
    if (first === undefined || !isStored(first)) return
    this.#people.set(tenant, people.filter(isStored).length)
  }
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')
