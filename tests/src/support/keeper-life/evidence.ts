/** What lies on disk between two lives: the audit log as its auditor reads it, and the names of key files. */
import { createPublicKey } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditEntry, type SignedHead, verifyLog } from '@tacit/audit-log'

export interface KeyEntry {
  readonly action: string
  readonly seq: number
  readonly key: string
  /** ms, by the keeper's clock */
  readonly at: number
  readonly why?: string
  readonly reconciled?: string
}

export interface Evidence {
  /** entries that tell of keys, in order; half a line at the end counts for nothing */
  readonly entries: readonly KeyEntry[]
  /** labels of epochs and hours that have a file */
  readonly files: readonly string[]
  readonly findings: readonly string[]
  /** the newest head, to be kept out of the house; null before the first */
  readonly head: SignedHead | null
}

/** @param kept heads that were collected on the way */
export function readEvidence(dir: string, kept: readonly SignedHead[]): Evidence {
  const read = (name: string): Buffer => {
    const path = join(dir, 'audit', name)
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  }
  const bytes = read('entries.ndjson')
  const { findings, head } = verifyLog({
    entries: bytes,
    heads: read('heads.ndjson'),
    publicKey: createPublicKey(read('public.pem')),
    earlierHeads: kept,
  })
  const lines = bytes.toString('latin1').split('\n').slice(0, -1)
  return {
    entries: lines.map((line) => (JSON.parse(line) as { entry: AuditEntry }).entry).flatMap(keyEntry),
    files: readdirSync(join(dir, 'keys')).flatMap(labelOf),
    findings: findings.map(({ code }) => code),
    head,
  }
}

function keyEntry({ action, object, seq }: AuditEntry): readonly KeyEntry[] {
  if (!action.startsWith('key.')) return []
  const { at, key, ...rest } = object as { at: string; key: string; why?: string; reconciled?: string }
  return [{ action, seq, key, at: Date.parse(at), ...rest }]
}

function labelOf(file: string): readonly string[] {
  const [, kind, name] = /^(day|week|month|hour)-(.+)\.(?:root|key)$/.exec(file) ?? []
  return kind === undefined || name === undefined ? [] : [`${kind}:${name}`]
}
