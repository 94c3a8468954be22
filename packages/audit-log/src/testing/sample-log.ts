/** Sample events, keys and logs for the tests of this room. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { AuditDeed } from '../actions.js'
import type { AuditEvent } from '../entry-line.js'
import { entryOf, leafHash, writeEntryLine } from '../entry-line.js'
import { canonicalJson } from '../canonical-json.js'
import { Frontier } from '../merkle-tree.js'
import { type AuditSigner, logId, type SignedHead, signHead } from '../signed-head.js'

export const START = Date.parse('2026-08-05T00:00:00Z')
export const SECOND = 1_000
const HASH = 'ab'.repeat(32)
const AT = '2026-08-05T00:00:00Z'

export function newSigner(): AuditSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey, sign: (bytes) => sign(null, bytes, privateKey) }
}

/** One deed of every action. */
export const DEEDS: readonly AuditDeed[] = [
  {
    action: 'key.created',
    object: { at: AT, epoch: 'day:2026-08-05', key: 'day:2026-08-05', stream: 'day' },
  },
  { action: 'key.handed', object: { at: AT, key: 'hour:2026-08-05T10', to: 'collector/eu-2' } },
  { action: 'key.closed', object: { at: AT, key: 'week:2026-08-03' } },
  { action: 'key.held', object: { at: AT, key: 'month:2026-08' } },
  { action: 'key.reconciled', object: { at: AT, key: 'day:2026-08-05' } },
  { action: 'key.destroying', object: { at: AT, key: `tenant:${HASH.slice(32)}` } },
  {
    action: 'key.destroyed',
    object: { at: AT, key: 'day:2026-08-05', reconciled: 'unknown', why: 'schedule' },
  },
  { action: 'key.withheld', object: { at: AT, key: 'day:2026-08-05' } },
  { action: 'rulebook.recorded', object: { digest: HASH, hash: null, kind: 'cancel', register: 12 } },
  {
    action: 'release.committed',
    object: {
      epoch: 'day:2026-08-05',
      manifests: [{ hash: HASH, id: 'erp/pages/day/2026-08-05T00:00:00Z' }],
      reconciled: 'yes',
      stream: 'day',
      window: 'day',
    },
  },
  {
    action: 'retention.dropped',
    object: { epoch: 'day:2026-08-05', reconciled: 'no', store: 'staging', stream: 'day' },
  },
  { action: 'boot', object: { service: 'up', version: '0.1.0' } },
  { action: 'clock.jumped', object: { by: 'hours', direction: 'ahead' } },
  { action: 'clock.confirmed', object: {} },
  { action: 'keeper.takeover', object: { handed_over: 'no', term: 2 } },
  { action: 'keeper.followed', object: { by: 'standby/b' } },
  { action: 'provenance.failed', object: { check: 'inv-19' } },
  { action: 'rights.receipt', object: { digest: HASH, right: 'withdrawal' } },
  { action: 'role.changed', object: { change: 'granted', role: 'privacy' } },
  { action: 'login', object: { outcome: 'accepted', role: 'product' } },
  { action: 'budget.used', object: { rho_millionths: 1_250, statistic: 'pages', window: 'day' } },
]

/** The event number `at` of an endless series. */
export function eventOf(at: number): AuditEvent {
  const deed = DEEDS[at % DEEDS.length] as AuditDeed
  return { ...deed, actor: 'keeper', rulebook: at % 2 === 0 ? HASH : null }
}

/** A log as somebody could have written it, who need not be honest. */
export interface WrittenLog {
  readonly lines: readonly string[]
  readonly heads: readonly SignedHead[]
}

/**
 * Writes `size` entries a second apart, without a log, and signs a head at each of the sizes.
 * @param salt of an entry, base64url @param change of an event
 */
export function writeLog(
  size: number,
  headsAt: readonly number[],
  signer: AuditSigner,
  change: (event: AuditEvent, seq: number) => AuditEvent = (event) => event,
): WrittenLog {
  const lines: string[] = []
  const heads: SignedHead[] = []
  const tree = new Frontier()
  const log = logId(signer.publicKey)
  for (let seq = 1; seq <= size; seq += 1) {
    const salt = saltOf(seq)
    const entry = entryOf(change(eventOf(seq), seq), seq, START + seq * SECOND)
    lines.push(writeEntryLine(entry, salt))
    tree.push(leafHash(canonicalJson(entry), salt))
    if (!headsAt.includes(seq)) continue
    heads.push(
      signHead({ v: 1, log, size: seq, root: tree.root().toString('hex'), time: entry.time }, signer),
    )
  }
  return { lines, heads }
}

/** For {@link writeLog}: nothing that is about keys, whose lives in the endless series make no sense. */
export const withoutKeys = (event: AuditEvent): AuditEvent =>
  event.action.startsWith('key.') ? { ...event, action: 'clock.confirmed', object: {} } : event

const saltOf = (seq: number): string => {
  const salt = Buffer.alloc(16)
  salt.writeUInt32BE(seq)
  return salt.toString('base64url')
}

export const bytesOf = (lines: readonly string[]): Buffer => Buffer.from(lines.join(''), 'latin1')

/** As `heads.ndjson` has them. */
export const headBytes = (heads: readonly SignedHead[]): Buffer =>
  bytesOf(heads.map((head) => `${canonicalJson(head)}\n`))
