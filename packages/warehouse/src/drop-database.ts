import { connect } from './connection.js'
import { identifier } from './sql.js'
import type { ServerAddress } from './types.js'

/** Drops a database with everything in it, if it is there; at once, not eventually. @throws WarehouseError */
export async function dropDatabase(address: ServerAddress, database: string): Promise<void> {
  const connection = connect(address, 'default', {})
  try {
    await connection.command(`DROP DATABASE IF EXISTS ${identifier(database)} SYNC`, { repeatable: true })
  } finally {
    await connection.close()
  }
}
