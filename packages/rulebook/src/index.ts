export { catalogueNames, parseForTrial, parseRulebook, type RulebookInput, type Unreadable } from './parse.js'
export { listedTexts } from './listed.js'
export type { Trial, TrialExample } from './trial.js'
export { MAX_CHARACTERS } from './yaml.js'
export { sortedFindings } from './findings.js'
export { ROUTE_LIMITS, RULEBOOK_FILE } from './catalogues.js'
export { explain, type Explanation } from './explain/index.js'
export { explanationHtml, explanationMarkdown } from './explain/render.js'
export { FINDINGS, type FindingCode } from './codes.js'
export {
  bucketLabels,
  bucketSeconds,
  declaredValues,
  fieldOf,
  GENERALISED_VALUES,
  type GeneralisedDimension,
  yieldedDimensions,
} from './dimensions.js'
export {
  type ActivationNeed,
  activationNeeds,
  type Change,
  type ChangeClass,
  diffRulebooks,
  hasOwnNotice,
  hasOwnPolicy,
  isSameHouse,
  NOTICE_DAYS,
  type RulebookDiff,
  sameDeclaration,
  takingEffect,
} from './diff/index.js'
export { effectiveNow } from './effective.js'
export { rulebookHash } from './hash.js'
export { catalogueJsonSchema, rulebookJsonSchema } from './json-schema.js'
export { isRouteLiteral } from './lint/catalogues.js'
export { editDistance } from './nearest.js'
export { rulebookReference } from './reference.js'
export { rulebookSchema } from './schema.js'
export { type SampleOptions, withSample } from './sample.js'
export { looksLikeId } from './path-segments.js'
export { findingAt, findingOf } from './place.js'
export { type MeasuredStatistic, measuredFindings } from './lint/measured.js'
export * from './plan.js'
export { FIELD_SOURCES, type FieldOrigin, IDENTITY_BITS, isProp, sourceOf } from './sources.js'
export * from './types.js'
