/** The one error catalogue. Match on `code`, never on a message; no message ever carries a raw value. */
interface ProblemEntry {
  readonly status: number
  readonly title: string
  readonly retryable: boolean
}

const entry = (status: number, title: string, retryable = false): ProblemEntry => ({
  status,
  title,
  retryable,
})

export const PROBLEMS = {
  // Edge
  ERR_BEACON_MALFORMED: entry(400, 'The beacon is not what the contract says'),
  ERR_BEACON_JSON: entry(400, 'The body is not JSON'),
  ERR_BEACON_ENCODING: entry(400, 'The body is not valid UTF-8 text'),
  ERR_BEACON_INCOMPLETE: entry(400, 'The body ended early'),
  ERR_BEACON_TOO_LARGE: entry(413, 'The body is larger than 65,536 bytes'),
  ERR_BEACON_TYPE: entry(415, 'Send application/json or text/plain'),
  ERR_BEACON_CONTENT_ENCODING: entry(415, 'Send the body without Content-Encoding'),
  ERR_REQUEST_MALFORMED: entry(400, 'The request is not HTTP as the contract says'),
  ERR_REQUEST_TIMEOUT: entry(408, 'The request took too long', true),
  ERR_REQUEST_HEADERS_TOO_LARGE: entry(431, 'The request headers are too large'),
  ERR_REQUEST_RATE: entry(429, 'Too many requests from this address', true),
  ERR_REQUEST_METHOD: entry(405, 'This method is not offered here'),
  ERR_ROUTE_UNKNOWN: entry(404, 'There is nothing at this address'),
  ERR_LOG_UNAVAILABLE: entry(503, 'Nothing durable can be promised now; try again', true),
  ERR_INTERNAL: entry(500, 'Something failed inside'),
  // Dashboard API
  ERR_ACCESS_TOKEN: entry(401, 'A valid access token is needed'),
  ERR_ACCESS_ROLE: entry(403, 'This role may not read this'),
  ERR_QUERY_MALFORMED: entry(400, 'The query is not what the contract says'),
  ERR_STATISTIC_UNKNOWN: entry(404, 'There is no such statistic'),
  ERR_CELL_UNKNOWN: entry(404, 'Nothing of this is published'),
  // Log
  ERR_LOG_FULL: entry(503, 'The log has no room', true),
  ERR_LOG_CLOSED: entry(503, 'The log is closed', true),
  ERR_LOG_WRITE: entry(503, 'The log could not be written', true),
  ERR_LOG_READ: entry(503, 'The log could not be read', true),
  ERR_LOG_FENCED: entry(503, 'Another process has taken over this part of the log', true),
  ERR_LOG_TOPIC: entry(500, 'A topic of the log is not set up as it must be'),
  // Batches
  ERR_BATCH_FORMAT: entry(500, 'Not a sealed batch'),
  ERR_BATCH_VERSION: entry(500, 'A sealed batch of a version that this Tacit does not know'),
  ERR_BATCH_AUTHENTICATION: entry(500, 'The sealed batch does not authenticate'),
  // Release
  ERR_RELEASE_REFUSED: entry(500, 'The independent checker refused the release'),
  ERR_RELEASE_BUDGET: entry(
    500,
    'The budget of noise does not hold this release, or its ledger cannot be read',
  ),
  ERR_MANIFEST_DAMAGED: entry(500, 'The committed manifest is not what was committed'),
  // Keys
  ERR_KEY_STORE: entry(500, 'The key store could not be read or written'),
  ERR_KEY_DESTROYED: entry(500, 'The key is destroyed'),
  ERR_KEY_MASTER: entry(500, 'The master key cannot be used'),
  ERR_KEY_PRODUCERS: entry(503, 'Collectors were started too often in the last 25 hours', true),
  // The keeper over the network
  ERR_KEEPER_UNAVAILABLE: entry(503, 'The keeper cannot be reached', true),
  ERR_KEEPER_REFUSED: entry(403, 'The keeper accepts no such certificate for this'),
  ERR_KEEPER_UNTRUSTED: entry(503, 'What answers in the keeper’s place proves to be no keeper', true),
  ERR_KEEPER_STANDBY: entry(409, 'This keeper is a standby; ask the primary', true),
  ERR_KEEPER_FENCED: entry(409, 'Another keeper took over from this one; ask that one', true),
  ERR_KEEPER_REQUEST: entry(400, 'The request to the keeper is not what the contract says'),
  ERR_KEEPER_REQUEST_TOO_LARGE: entry(413, 'The request to the keeper is too large'),
  ERR_TLS_FILES: entry(500, 'Certificate, key and authorities cannot be used'),
  // Audit log
  ERR_AUDIT_DAMAGED: entry(500, 'The audit log is damaged'),
  ERR_AUDIT_KEY: entry(500, 'The audit log is of another key'),
  ERR_AUDIT_WRITE: entry(503, 'The audit log could not be written', true),
  ERR_AUDIT_READ: entry(503, 'The audit log could not be read', true),
  ERR_AUDIT_ENTRY: entry(500, 'The audit log has no room for such an event'),
  ERR_AUDIT_CLOCK: entry(500, 'The clock is behind the audit log'),
  ERR_AUDIT_RANGE: entry(404, 'The audit log has no such entry or size'),
  // Stores and boot
  ERR_PROCESS_EXPOSED: entry(500, 'The process was started in a way that shows its memory'),
  ERR_DATA_DIRECTORY: entry(500, 'The data directory cannot be read or written'),
  ERR_CLOCK_UNCONFIRMED: entry(500, 'The running instance did not take the confirmation up', true),
  ERR_LISTEN: entry(500, 'The port cannot be listened on', true),
  ERR_DATA_IN_USE: entry(500, 'The data directory is in use by another process', true),
  ERR_DATA_RULEBOOK: entry(500, 'The data directory was made under another rulebook'),
  ERR_DATA_VERSION: entry(500, 'The data was made by a newer Tacit'),
  ERR_RULEBOOK_INVALID: entry(400, 'The rulebook has errors'),
  // Activation of a rulebook
  ERR_ACTIVATION_APPROVERS: entry(400, 'There are no approvers who could sign'),
  ERR_ACTIVATION_SIGNATURES: entry(403, 'Two approvers must have signed this very change'),
  ERR_ACTIVATION_STRANGER: entry(403, 'Somebody signed who is no approver'),
  ERR_ACTIVATION_NOTICE: entry(403, 'A loosening needs a notice that is on record'),
  ERR_ACTIVATION_POLICY: entry(403, 'A loosening needs a newer policy version, to which people consent anew'),
  ERR_ACTIVATION_TOO_EARLY: entry(403, 'A loosening takes effect 30 days after its notice at the earliest'),
  ERR_ACTIVATION_EXPIRED: entry(403, 'The rulebook would have expired when it takes effect'),
  ERR_ACTIVATION_CLOCK: entry(500, 'The clock is behind what is on record'),
  ERR_ACTIVATION_KEYS: entry(400, 'Keys would die before their windows close'),
  ERR_ACTIVATION_APART: entry(400, 'Another purpose or identity needs a data directory of its own'),
  ERR_ACTIVATION_PENDING: entry(400, 'Another change is waiting to take effect'),
  ERR_ACTIVATION_NOTHING: entry(400, 'There is nothing to change'),
  ERR_SHADOW_BUSY: entry(500, 'Another rulebook is being tried now', true),
  ERR_SHADOW_INSTANCE: entry(500, 'No instance runs that could try it', true),
  ERR_REGISTER_DAMAGED: entry(500, 'The register of rulebooks is damaged'),
  ERR_CONFIG_INVALID: entry(400, 'The configuration has errors'),
  ERR_WAREHOUSE_START: entry(500, 'ClickHouse did not start', true),
  ERR_WAREHOUSE_QUERY: entry(500, 'ClickHouse refused or failed', true),
  ERR_WAREHOUSE_DATA: entry(500, 'ClickHouse refused rows for their data'),
  ERR_CASE_MALFORMED: entry(400, 'The line is no case of `rules try`'),
  ERR_INPUT_FILE: entry(400, 'The input file cannot be read'),
  ERR_OUTPUT_FILE: entry(500, 'The file cannot be written'),
} as const satisfies Record<string, ProblemEntry>

export type ProblemCode = keyof typeof PROBLEMS

/**
 * An error with a stable code. `message` says what to do and never carries input; `cause` stays inside the process
 * and is never serialised.
 */
export class TacitError extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly retryable: boolean

  constructor(code: ProblemCode, message?: string, options?: { cause?: unknown }) {
    super(message ?? PROBLEMS[code].title, options)
    this.name = 'TacitError'
    this.code = code
    this.status = PROBLEMS[code].status
    this.retryable = PROBLEMS[code].retryable
  }
}

/** The body of an `application/problem+json` answer (RFC 9457). Fixed text per code: input is never echoed. */
export function problemBody(code: ProblemCode): string {
  const { status, title } = PROBLEMS[code]
  return JSON.stringify({ type: `https://tacit.invalid/problems/${code}`, title, status, code })
}
