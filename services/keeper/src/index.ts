export { type Keeper, type KeeperOptions, openKeeper } from './embedded-keeper.js'
export { type KeyFiles, openKeyFiles } from './key-files.js'
export type { TickReport } from './root-registry.js'
