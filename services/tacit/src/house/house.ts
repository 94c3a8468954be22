/**
 * The house: everything that one process opens in a data directory, in the order that makes a crash harmless, and
 * closes in the reverse one. The only place that knows that stores are embedded.
 */
import { lockDirectory } from '@tacit/event-log'
import type { Rulebook } from '@tacit/rulebook'
import { dropDatabase, type EmbeddedServer, startEmbeddedServer } from '@tacit/warehouse'
import { type DataLayout, dataLayout, type RealmLayout } from './layout.js'
import { masterKeyOf } from './master-key.js'
import { forbidCores } from './process-guard.js'
import { openReadingRealm, type ReadingRealm } from './reading-realm.js'
import { type Realm, type RealmOptions, openRealm } from './realm.js'
import { keeperAddressOf } from './realm-keeper.js'

export interface House {
  readonly layout: DataLayout
  readonly server: EmbeddedServer
  openRealm(options: Omit<RealmOptions, 'server' | 'alarm' | 'masterKey' | 'keeperAddress'>): Promise<Realm>
  /** A realm's stores for reading, without its keys. */
  openReadingRealm(layout: RealmLayout, rulebook: Rulebook): Promise<ReadingRealm>
  closeRealm(realm: Realm): Promise<void>
  dropDatabase(database: string): Promise<void>
  close(): Promise<void>
}

/** Says something on standard error, with the time. Never called with a value of a person. */
export function alarm(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message}\n`)
}

/** Where the operator wants the keys of real data to be. @throws TacitError ERR_CONFIG_INVALID */
function ownersPlaces(): Pick<RealmOptions, 'masterKey' | 'keeperAddress'> {
  const keeperAddress = keeperAddressOf(process.env)
  return { masterKey: masterKeyOf(process.env), ...(keeperAddress === null ? {} : { keeperAddress }) }
}

/**
 * Locks a data directory and starts its ClickHouse server.
 * @throws TacitError ERR_DATA_IN_USE, ERR_WAREHOUSE_START
 */
export async function openHouse(dir: string): Promise<House> {
  const layout = dataLayout(dir)
  const release = await lockDirectory(layout.dir)
  // Before ClickHouse is started: it holds pseudonyms, and inherits the limit.
  if (!forbidCores()) alarm('Core dumps cannot be turned off from here; start with: ulimit -c 0')
  let server: EmbeddedServer
  try {
    server = await startEmbeddedServer({ dir: layout.clickhouse, log: alarm })
  } catch (error) {
    await release()
    throw error
  }
  const realms: { close(): Promise<void> }[] = []
  return {
    layout,
    server,
    async openRealm(options) {
      // Sample data is nobody's: what it is wrapped by goes with it, and its keeper is always here.
      const own = options.layout.name === 'sample' ? {} : ownersPlaces()
      const realm = await openRealm({ ...options, ...own, server: server.address, alarm })
      realms.push(realm)
      return realm
    },
    async openReadingRealm(realmLayout, rulebook) {
      const realm = await openReadingRealm(realmLayout, rulebook, server.address)
      realms.push(realm)
      return realm
    },
    async closeRealm(realm) {
      realms.splice(realms.indexOf(realm), 1)
      await realm.close()
    },
    dropDatabase: (database) => dropDatabase(server.address, database),
    async close() {
      for (const realm of realms.splice(0)) await realm.close()
      await server.stop()
      await release()
    },
  }
}
