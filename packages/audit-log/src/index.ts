export {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditDeed,
  type AuditObject,
  type Manifest,
  manifestGroups,
} from './actions.js'
export { adviceOn, failureOn, NO_HEAD_NOTE } from './advice.js'
export type { AuditLog, RandomBytes } from './audit-log.js'
export { canonicalJson } from './canonical-json.js'
export { checkProof, proofKindOf } from './check-proof.js'
export { type AuditEntry, type AuditEvent, entriesOfLines } from './entry-line.js'
export type { AuditFiles } from './files.js'
export type { Finding, FindingCode } from './findings.js'
export { type GivenFiles, givenFiles } from './given-files.js'
export { DESTROY_AFTER_MS, GRACE_MS, type LifeRules, readSpan } from './key-lives.js'
export { type KeyProof, keyProof } from './key-proof.js'
export { type LogReading, readLogCopy } from './log-copy.js'
export { type AuditLogOptions, openAuditLog } from './opening.js'
export type { ConsistencyProof, InclusionProof } from './proof.js'
export { type AuditSigner, logId, type SignedHead } from './signed-head.js'
export { type LogCopy, NO_LOG, type Verification, verifyLog } from './verify-log.js'
