/**
 * IAB's own decoder of TCF and GPP strings, loaded when the first such string comes: it takes 130 ms to load, and an
 * ERP rarely runs a consent management platform.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
let loaded: typeof import('@iabgpp/cmpapi') | undefined

export function consentLibrary(): typeof import('@iabgpp/cmpapi') {
  loaded ??= require('@iabgpp/cmpapi') as typeof import('@iabgpp/cmpapi')
  return loaded
}
