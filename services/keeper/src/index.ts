export { type Keeper, type KeeperOptions, openKeeper } from './embedded-keeper.js'
export { type KeyFiles, openKeyFiles } from './key-files.js'
export type { LifeRules } from './key-life.js'
export type { TickReport } from './root-registry.js'
export {
  type RegisterAction,
  type RegisterEntry,
  RulebookRegister,
  type Signature,
} from './rulebook-register.js'
