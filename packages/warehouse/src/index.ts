export {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  type ServerEnd,
  startEmbeddedServer,
} from './embedded/server.js'
export { type CompiledStatement, compiledSql, sqlText } from './compiled-sql.js'
export { dropDatabase } from './drop-database.js'
export { type FailureKind, type Refused, WarehouseError } from './failures.js'
export type { ConnectionOptions } from './connection.js'
export { releasedWindows, treesOf } from './requests.js'
export { grantsXml, profileXml, ROLES, type Role, rolesSql, type RolesOptions } from './roles.js'
export type { Cluster } from './topology.js'
export * from './types.js'
export { openWarehouse, type Warehouse } from './warehouse.js'
