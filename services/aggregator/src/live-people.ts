/**
 * People of the last minutes, counted in memory and forgotten. Pure.
 *
 * Invariants
 * - What is held is pseudonyms of people who count, by site, epoch and tenant, each once: about 100 bytes a person, and no
 *   more people than `maxPeople`. How many rows there are does not matter.
 * - Rows of two epochs may be of one person, under two pseudonyms that nobody can tell to be one: around midnight, and where
 *   an event was sent late. So each epoch is counted for itself and the larger crowd is taken. That is never more than
 *   people there were; their sum could be.
 */
import { type CountedNode, passes } from '@tacit/disclosure'
import { landingColumnsOf, recordColumns, type Release, type Site } from '@tacit/rulebook'

/** About 200 MB: more people than any site that one owner keeps up with has within five minutes. */
const MAX_PEOPLE = 2_000_000
const ESTABLISHED = 'established'

const COLUMNS = [...landingColumnsOf('day'), ...recordColumns('day')].map(({ name }) => name)
const [EPOCH, SITE, STANDING, TENANT, PERSON, NETWORK] = [
  'epoch',
  'site',
  'standing',
  'tenant',
  'person',
  'network',
].map((name) => COLUMNS.indexOf(name)) as [number, number, number, number, number, number]

/** People of one site and epoch. */
interface Crowd {
  /** people by tenant */
  readonly tenants: Map<string, Set<string>>
  readonly networks: Set<string>
  users: number
}

export class LivePeople {
  readonly #maxPeople: number
  readonly #identities: ReadonlyMap<string, Site['identity']>
  /** by site, then epoch */
  readonly #crowds = new Map<string, Map<string, Crowd>>()
  #people = 0

  /** @param sites whose people are counted */
  constructor(sites: readonly Pick<Site, 'id' | 'identity'>[], maxPeople = MAX_PEOPLE) {
    this.#identities = new Map(sites.map(({ id, identity }) => [id, identity]))
    this.#maxPeople = maxPeople
  }

  /**
   * Takes the day stream's rows of a batch: JSONCompactEachRow lines as a collector writes them.
   * @returns false where they cannot be read, or there are more people than are counted: then no number is known
   */
  add(rows: Buffer): boolean {
    for (const line of rows.toString('utf8').split('\n')) {
      if (line === '') continue
      const row = fieldsOf(line)
      if (row === null) return false
      this.#take(row)
      if (this.#people > this.#maxPeople) return false
    }
    return true
  }

  /** The people of a site who may be told of; null where they are fewer than that takes. */
  floored(site: string, release: Release): number | null {
    const identity = this.#identities.get(site)
    if (identity === undefined) return null
    const node = this.#largest(site, identity)
    if (!passes(node, { identity, ...release })) return null
    const users = Math.floor(node.users / release.step) * release.step
    return users < release.minUsers ? null : users
  }

  #take(row: readonly string[]): void {
    const site = row[SITE] ?? ''
    const identity = this.#identities.get(site)
    if (identity === undefined || (identity === 'signed' && row[STANDING] !== ESTABLISHED)) return
    const crowd = this.#crowdOf(site, row[EPOCH] ?? '')
    const tenant = row[TENANT] ?? ''
    let people = crowd.tenants.get(tenant)
    if (people === undefined) {
      people = new Set()
      crowd.tenants.set(tenant, people)
    }
    const before = people.size
    people.add(row[PERSON] ?? '')
    if (people.size === before) return
    crowd.users++
    this.#people++
    // A person of a network site has one network.
    const network = row[NETWORK] ?? ''
    if (network !== '') crowd.networks.add(network)
  }

  #crowdOf(site: string, epoch: string): Crowd {
    const epochs = this.#crowds.get(site) ?? new Map<string, Crowd>()
    this.#crowds.set(site, epochs)
    const crowd = epochs.get(epoch) ?? { tenants: new Map(), networks: new Set(), users: 0 }
    epochs.set(epoch, crowd)
    return crowd
  }

  #largest(site: string, identity: Site['identity']): CountedNode {
    let largest: Crowd = { tenants: new Map(), networks: new Set(), users: 0 }
    for (const crowd of this.#crowds.get(site)?.values() ?? [])
      if (crowd.users > largest.users) largest = crowd
    const { networks, tenants, users } = largest
    const isSigned = identity === 'signed'
    let largestTenant = 0
    if (isSigned) for (const { size } of tenants.values()) largestTenant = Math.max(largestTenant, size)
    // People alone are told, so they stand for the events, too.
    return {
      dims: [],
      users,
      events: users,
      tenants: isSigned ? tenants.size : 0,
      networks: isSigned ? 0 : networks.size,
      largestTenantUsers: largestTenant,
      largestTenantEvents: largestTenant,
      largestPersonEvents: 1,
    }
  }
}

/** The values of a row; null for what is none. */
function fieldsOf(line: string): readonly string[] | null {
  try {
    const row: unknown = JSON.parse(line)
    return Array.isArray(row) && row.length >= COLUMNS.length ? (row as readonly string[]) : null
  } catch {
    return null
  }
}
