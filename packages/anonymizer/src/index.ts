export { type Census, createCensus, type Member, type Thresholds } from './census.js'
export * from './client-address.js'
export * from './compile.js'
export {
  compileDecision,
  type Decision,
  decideConsent,
  type DecisionFacts,
  type DecisionRead,
  type PersonState,
  type TokenResult,
} from './decide.js'
export * from './decision-tables.js'
export { compileEventScan, type Detection, type EventScan } from './event-scan.js'
export * from './dimensions.js'
export { compileFieldTrial, type FieldOutcome, type FieldTrial } from './field-trial.js'
export * from './generation-cache.js'
export { Identities, type KeyNeed, type PeekKey } from './identity.js'
export * from './ip.js'
export { compileWindowEnd, type WindowEnd } from './lateness.js'
export { compileGeneric, compileRoutes, type PathTemplate } from './path-template.js'
export { createRouteLearner, type LearntRoutes, type RouteLearner } from './route-learner.js'
export { createScanner, type Scanner } from './scan/index.js'
export * from './signals.js'
export * from './user-agent.js'
export { createValueLearner, type ValueLearner } from './value-learner.js'
export * from './values.js'
export { createWordLearner, type WordSink, type WordUse } from './word-learner.js'
