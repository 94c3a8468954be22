export * from './plan.js'
export * from './types.js'
