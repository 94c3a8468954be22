/** Everything that people were promised of the ERP, as sentences that a rulebook and its engine are held to. */
import { DECISION_PROMISES } from './decision-promises.js'
import { RULE_PROMISES } from './rule-promises.js'
import { VALUE_PROMISES } from './value-promises.js'

export const PROMISES = [...DECISION_PROMISES, ...VALUE_PROMISES, ...RULE_PROMISES]
