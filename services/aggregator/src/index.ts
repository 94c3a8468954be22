export * from './aggregator.js'
export type { ReleasedStatistic } from './release.js'
export { type Rulebooks, soleRulebook } from './rulebooks.js'
export * from './state.js'
