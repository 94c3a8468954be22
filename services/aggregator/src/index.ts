export * from './aggregator.js'
export type { ReleasedStatistic } from './release.js'
export * from './state.js'
