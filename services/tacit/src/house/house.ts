/**
 * The house: everything that one process opens in a data directory, in the order that makes a crash harmless, and
 * closes in the reverse one. The only place that knows that stores are embedded.
 */
import { lockDirectory } from '@tacit/event-log'
import { dropDatabase, type EmbeddedServer, startEmbeddedServer } from '@tacit/warehouse'
import { type DataLayout, dataLayout } from './layout.js'
import { type Realm, type RealmOptions, openRealm } from './realm.js'

export interface House {
  readonly layout: DataLayout
  readonly server: EmbeddedServer
  openRealm(options: Omit<RealmOptions, 'server' | 'alarm'>): Promise<Realm>
  closeRealm(realm: Realm): Promise<void>
  dropDatabase(database: string): Promise<void>
  close(): Promise<void>
}

/** Says something on standard error, with the time. Never called with a value of a person. */
export function alarm(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message}\n`)
}

/**
 * Locks a data directory and starts its ClickHouse server.
 * @throws TacitError ERR_DATA_IN_USE, ERR_WAREHOUSE_START
 */
export async function openHouse(dir: string): Promise<House> {
  const layout = dataLayout(dir)
  const release = await lockDirectory(layout.dir)
  let server: EmbeddedServer
  try {
    server = await startEmbeddedServer({ dir: layout.clickhouse, log: alarm })
  } catch (error) {
    await release()
    throw error
  }
  const realms: Realm[] = []
  return {
    layout,
    server,
    async openRealm(options) {
      const realm = await openRealm({ ...options, server: server.address, alarm })
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
