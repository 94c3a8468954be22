export type { Keeper, KeeperOptions } from './keeper.js'
export { type KeyFiles, openKeyFiles } from './key-files.js'
export { type KeeperPlaces, type KeeperStores, keeperPlaces, openKeeperStores } from './keeper-stores.js'
export type { AuditService, KeeperService, KeyRecord } from './keeper-service.js'
export { keyRecordsOf } from './key-records.js'
export { openKeeper } from './open-keeper.js'
export type { WrappingOptions } from './open-secrets.js'
export { connectKeeper, type KeeperConnectionOptions, type RemoteKeeper } from './remote/client.js'
export type { ServedKeeper } from './remote/routes.js'
export { type KeeperServer, type KeeperServerOptions, serveKeeper } from './remote/server.js'
export {
  openTlsFiles,
  type TlsBuffers,
  type TlsFiles,
  type TlsFilesOptions,
  type TlsPaths,
  type TlsSource,
} from './remote/tls-files.js'
export type { TickReport } from './root-registry.js'
export {
  type RegisterAction,
  type RegisterEntry,
  RulebookRegister,
  type Signature,
} from './rulebook-register.js'
export type { Primary } from './standby/follower.js'
export { type PrimaryOverTls, primaryOverTls } from './standby/primary-over-tls.js'
export type { Company, ReplicaOptions } from './standby/replica-source.js'
export { openStandby, type StandbyKeeper, type StandbyOptions } from './standby/standby-keeper.js'
export type { Promotion } from './standby/takeover.js'
export type { WrappingKeys } from './wrapping-keys.js'
