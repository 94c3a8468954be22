/**
 * What an audit entry can say: a closed list of actions, and of each the only members that its object may have.
 *
 * No form below has room for a payload, for a raw id of a person or customer, or for a count of people or rows: only
 * closed words, hashes, labels of time, names that the rulebook or the operator gave, and opaque ids of keys. So
 * whether counts reconciled is `yes` or `no`, never by how many.
 */
import { canonicalJson } from './canonical-json.js'
import { type Form, listOf, NATURAL, nullable, objectOf, oneOf, type Shape, text } from './forms.js'

/** Whose key it is, or which rows: a linkage window, the log's hour, or the root of one tenant or network site. */
const KEY_STREAM = oneOf('day', 'week', 'month', 'hour', 'tenant', 'site')
const STREAM = oneOf('day', 'week', 'month')
/** `day:2026-08-05`, `week:2026-08-03`, `month:2026-08`, `hour:2026-08-05T10` */
const EPOCH = text(/(?:day|week|month|hour):\d{4}-\d{2}(?:-\d{2}(?:T\d{2})?)?/)
/** An epoch's label, or `tenant:` and `site:` with the keyed hash that names its file. */
const KEY = text(/(?:day|week|month|hour):\d{4}-\d{2}(?:-\d{2}(?:T\d{2})?)?|(?:tenant|site):[0-9a-f]{32}/)
/** A party by the name that the operator gave it, such as `in-process` or `collector/eu-1`. */
const PARTY = text(/[a-z][a-z0-9.-]{0,31}(?:\/[A-Za-z0-9._-]{1,64})?/)
/** SHA-256, hexadecimal. */
const HASH = text(/[0-9a-f]{64}/)
const WORD = text(/[a-z][a-z0-9_.-]{0,47}/)
/** The window of a release, such as `day` or `day:2026-08-05`. */
const WINDOW = text(/[a-z]{1,16}(?::[\dTZ:-]{7,20})?/)
/** The keeper's clock: that of the data where a run is driven by them, so it may differ from the entry's time. */
const AT = text(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/)
const YES_OR_NO = oneOf('yes', 'no')

/** No word of anybody's choice: who boots may say it over the network. */
const SERVICE = oneOf('aggregator', 'collector', 'dashboard', 'import', 'keeper', 'simulate', 'up')
/** `<site>/<statistic>/<window>/<start>` */
const MANIFEST_ID = text(/[a-z0-9_]{1,48}\/[a-z0-9_]{1,48}\/[a-z0-9_]{1,16}\/[\dTZ:-]{10,20}/)
const MANIFEST = objectOf({ hash: HASH, id: MANIFEST_ID })
const MANIFESTS = listOf(MANIFEST, 10)
/** What an entry has left for manifests, so that a proof of it stays within 2 KB: three of the longest. */
const MAX_MANIFEST_BYTES = 640
const manifestBytes = ({ hash, id }: Manifest): number =>
  '{"hash":"","id":""},'.length + hash.length + id.length

/** A committed manifest by its id and the SHA-256 of its text. */
export interface Manifest {
  readonly hash: string
  readonly id: string
}

const ACTIONS = {
  /** A root came to be; `epoch` is null for that of a tenant or site. */
  'key.created': { at: AT, epoch: nullable(EPOCH), key: KEY, stream: KEY_STREAM },
  /** What is derived from a root went to somebody for the first time. */
  'key.handed': { at: AT, key: KEY, to: PARTY },
  'key.closed': { at: AT, key: KEY },
  /** The counts of its window do not reconcile: it is kept, but not for long. */
  'key.held': { at: AT, key: KEY },
  'key.reconciled': { at: AT, key: KEY },
  'key.destroying': { at: AT, key: KEY },
  'key.destroyed': {
    at: AT,
    key: KEY,
    reconciled: oneOf('yes', 'no', 'unknown'),
    why: oneOf('schedule', 'settled', 'lost', 'closed_account'),
  },
  /** An epoch that will never be opened here, after a takeover. */
  'key.withheld': { at: AT, key: KEY },
  /** An entry of the register of rulebooks, by its number and the SHA-256 of its bytes; `hash`: the rulebook's. */
  'rulebook.recorded': {
    digest: HASH,
    hash: nullable(HASH),
    kind: oneOf('initial', 'notice', 'activate', 'rollback', 'cancel', 'checked', 'applied'),
    register: NATURAL,
  },
  /** Manifests of a window; those of a large one are cut over several entries by {@link manifestGroups}. */
  'release.committed': {
    epoch: EPOCH,
    manifests: MANIFESTS,
    reconciled: YES_OR_NO,
    stream: STREAM,
    window: WINDOW,
  },
  'retention.dropped': { epoch: EPOCH, reconciled: YES_OR_NO, store: WORD, stream: KEY_STREAM },
  boot: { service: SERVICE, version: text(/\d{1,4}\.\d{1,4}\.\d{1,4}(?:-[a-z0-9.]{1,32})?/) },
  /** Coarse: how far is said in the largest unit that fits. */
  'clock.jumped': {
    by: oneOf('minutes', 'hours', 'days', 'months', 'years'),
    direction: oneOf('ahead', 'back'),
  },
  'clock.confirmed': {},
  /** A standby took over; what stood in the log before is the former primary's. `handed_over`: that one had stopped in order. */
  'keeper.takeover': { handed_over: YES_OR_NO, term: NATURAL },
  /** A standby of this name was sent copies of roots, and is of those made later until either side is started anew. */
  'keeper.followed': { by: PARTY },
  'provenance.failed': { check: WORD },
  /** A receipt that was handed out, by the SHA-256 of its bytes. */
  'rights.receipt': {
    digest: HASH,
    right: oneOf('access', 'erasure', 'objection', 'restriction', 'withdrawal'),
  },
  'role.changed': { change: oneOf('granted', 'revoked'), role: WORD },
  login: { outcome: oneOf('accepted', 'refused'), role: WORD },
  /** ρ of zero-concentrated differential privacy that a released window cost, in millionths. */
  'budget.used': { rho_millionths: NATURAL, statistic: WORD, window: WINDOW },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Form<unknown>>>>>

type Actions = typeof ACTIONS
export type AuditAction = keyof Actions

/** The object of an action. */
export type AuditObject<A extends AuditAction> = Shape<Actions[A]>

/** An action with its own object. */
export type AuditDeed = {
  readonly [A in AuditAction]: { readonly action: A; readonly object: AuditObject<A> }
}[AuditAction]

/** Every action there is. */
export const AUDIT_ACTIONS = Object.keys(ACTIONS) as readonly AuditAction[]

/** The expression of an action's object as canonical text; undefined where there is no such action. */
export function objectPattern(action: string): string | undefined {
  return Object.hasOwn(ACTIONS, action) ? objectOf(ACTIONS[action as AuditAction]).pattern : undefined
}

const OBJECTS = new Map(
  AUDIT_ACTIONS.map((action) => [action, new RegExp(`^${objectPattern(action)}$`)] as const),
)

/** Whether the action is one of the list, and its object has exactly the members that it must have. */
export function isAuditDeed({ action, object }: AuditDeed): boolean {
  try {
    return OBJECTS.get(action)?.test(canonicalJson(object)) ?? false
  } catch {
    return false
  }
}

/** The manifests of one window in groups of which each fits into one `release.committed`; none makes no group. */
export function manifestGroups(manifests: readonly Manifest[]): Manifest[][] {
  const groups: Manifest[][] = []
  let left = 0
  for (const { hash, id } of manifests) {
    const bytes = manifestBytes({ hash, id })
    const group = groups.at(-1)
    if (group === undefined || bytes > left) {
      groups.push([{ hash, id }])
      left = MAX_MANIFEST_BYTES - bytes
    } else {
      group.push({ hash, id })
      left -= bytes
    }
  }
  return groups
}
