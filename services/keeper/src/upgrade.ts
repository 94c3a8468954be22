/**
 * Brings the directory of an earlier build into today's form: its secrets lay unwrapped, 32 bytes a file, and its journal
 * was a file beside them.
 *
 *     {"id":7,"stream":"day","epoch":"day:2026-08-05","event":"opened","at":"2026-08-05T00:00:01Z"}
 *
 * Invariants
 * - A secret is whole on disk at each moment: wrapped beside its file (`….new`) before its own bytes are overwritten with
 *   the same, in place.
 * - The journal goes only once all of it is in the audit log.
 * Recovery: what a crash cut short is done again from the file beside, and from the number of steps that are on record.
 */
import { TacitError } from '@tacit/contracts'
import { KEY_BYTES } from '@tacit/keyring'
import { isThere, type KeyFiles } from './key-files.js'
import type { KeyJournal } from './key-journal.js'
import type { KeyEvent } from './key-records.js'
import { isWrapped, type SecretFiles } from './secret-files.js'

const JOURNAL = 'journal.ndjson'
const BESIDE = '.new'
const STEPS = {
  opened: 'created',
  closed: 'closed',
  destroying: 'destroying',
  destroyed: 'destroyed',
} as const

/** Whether a directory is of an earlier build, or not wholly brought over. */
export function isOfEarlierBuild(files: KeyFiles): Promise<boolean> {
  return isThere(files, JOURNAL)
}

/** Wraps what lies unwrapped. */
export async function wrapOldSecrets(files: KeyFiles, secrets: SecretFiles): Promise<void> {
  for (const name of (await files.list()).filter((file) => /\.(?:root|key)$/.test(file))) {
    const beside = `${name}${BESIDE}`
    const raw = await files.read(name)
    if (raw?.length === KEY_BYTES && !isWrapped(raw)) {
      const half = await files.read(beside)
      if (half !== null && !isWrapped(half)) await files.remove(beside)
      if (half === null || !isWrapped(half)) await files.create(beside, await secrets.wrapped(name, raw))
      await files.syncDirectory()
    }
    raw?.fill(0)
    const wrapped = await files.read(beside)
    if (wrapped === null) continue
    await files.write(name, wrapped, 0, true)
    await files.remove(beside)
    await files.syncDirectory()
  }
}

/** Puts on record what the old journal says, and takes it away. @throws TacitError ERR_KEY_STORE where it is damaged */
export async function recordOldJournal(files: KeyFiles, journal: KeyJournal): Promise<void> {
  const lines = ((await files.read(JOURNAL)) ?? Buffer.alloc(0)).toString('utf8').split('\n').slice(0, -1)
  for (const [at, line] of lines.entries()) {
    const step = stepOf(line)
    // A damaged end was never told of to anybody.
    if (step === null && at === lines.length - 1) break
    if (step === null) {
      throw new TacitError('ERR_KEY_STORE', 'The key journal is damaged: start with a new data directory')
    }
    if (at >= journal.steps.length) await journal.append([step.event], step.at, false)
  }
  await journal.audit.append([], true)
  await files.remove(JOURNAL)
  await files.syncDirectory()
}

function stepOf(line: string): { readonly event: KeyEvent; readonly at: number } | null {
  try {
    const {
      at,
      epoch: key,
      event,
    } = JSON.parse(line) as { at: string; epoch: string; event: keyof typeof STEPS }
    const step = STEPS[event]
    const time = Date.parse(at)
    if (step === undefined || Number.isNaN(time)) return null
    return { at: time, event: step === 'destroyed' ? { step, key, why: 'schedule' } : { step, key } }
  } catch {
    return null
  }
}
