export * from './directory-lock.js'
export { type FilePort } from './lmdb/files.js'
export { type LmdbLog, type LmdbLogOptions, openLmdbLog } from './lmdb/log.js'
export * from './port.js'
