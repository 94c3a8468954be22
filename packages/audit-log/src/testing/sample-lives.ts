/** Logs that tell of the lives of keys, each step at a chosen time, for tests of how they are judged. */
import type { AuditDeed } from '../actions.js'
import { canonicalJson } from '../canonical-json.js'
import { entryOf, leafHash, writeEntryLine } from '../entry-line.js'
import { Frontier } from '../merkle-tree.js'
import { type AuditSigner, logId, signHead } from '../signed-head.js'
import type { WrittenLog } from './sample-log.js'

/**
 * What happened, when by the keeper's clock, to which key (default: a day's), and when that was written (default: then).
 * Of a `boot` the key is who began.
 */
export type Step = readonly [step: string, at: string, key?: string, time?: string]

export const DAY_KEY = 'day:2026-08-05'
const SALT = 'AAAAAAAAAAAAAAAAAAAAAA'

function deedOf([step, at, key = DAY_KEY]: Step): AuditDeed {
  const more: Readonly<Record<string, object>> = {
    created: { epoch: key.includes('tenant') ? null : key, stream: key.slice(0, key.indexOf(':')) },
    handed: { to: 'in-process' },
    destroyed: { reconciled: 'yes', why: 'schedule' },
  }
  if (step === 'boot') return { action: 'boot', object: { service: 'up', version: '0.1.0' } }
  return { action: `key.${step}`, object: { key, at, ...more[step] } } as unknown as AuditDeed
}

/** A log of these steps, all of them signed. */
export function writeLife(signer: AuditSigner, steps: readonly Step[]): WrittenLog {
  const tree = new Frontier()
  const lines = steps.map((step, at) => {
    const [name, moment, who = 'up', time = moment] = step
    const actor = name === 'boot' ? who : 'keeper'
    const event = { ...deedOf(step), actor, rulebook: null }
    const entry = entryOf(event, at + 1, Date.parse(time))
    tree.push(leafHash(canonicalJson(entry), SALT))
    return writeEntryLine(entry, SALT)
  })
  const root = tree.root().toString('hex')
  const log = logId(signer.publicKey)
  const head = signHead({ v: 1, log, size: steps.length, root, time: '2027-01-01T00:00:00Z' }, signer)
  return { lines, heads: [head] }
}
