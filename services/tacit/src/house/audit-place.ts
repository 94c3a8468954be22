/** What the verbs of `tacit audit` ask for alike: which log is meant, and what to say where there is none. */
import type { LogReading, SignedHead } from '@tacit/audit-log'
import { HOUR, TacitError } from '@tacit/contracts'
import type { Command } from 'commander'
import { EXIT, UsageError } from '../output.js'
import {
  type AuditCopy,
  type AuditPlace,
  copyOfData,
  copyOfFiles,
  isEmptied,
  readingOf,
} from './audit-copy.js'

/** Adds `--data`, `--site` and `--log`. */
export function withAuditPlace(command: Command): Command {
  return command
    .option('--data <dir>', 'data directory, of an instance or of a keeper of its own', '.tacit')
    .option('--site <site>', 'a site of the rulebook, e.g. sample')
    .option('--log <path>', 'instead: a copy, entries.ndjson or the folder with it and heads.ndjson')
}

/** What a command line says of which log is meant: options that were not given stay out. */
export function placeOf({
  data,
  log,
  site,
}: {
  readonly data: string
  readonly site?: string | undefined
  readonly log?: string | undefined
}): AuditPlace {
  return { data, ...(site === undefined ? {} : { site }), ...(log === undefined ? {} : { log }) }
}

/** The log that is meant, also where nothing is left of it. @throws TacitError ERR_INPUT_FILE where there was none yet */
export async function auditCopy(place: AuditPlace): Promise<AuditCopy> {
  if (place.log !== undefined) return copyOfFiles(place.log)
  const copy = await copyOfData(place)
  if (copy !== null) return copy
  throw noLog(place)
}

/** The log that is meant, to look into. @throws TacitError ERR_INPUT_FILE, ERR_AUDIT_DAMAGED where it is not there */
export async function filledCopy(place: AuditPlace): Promise<AuditCopy> {
  const copy = await auditCopy(place)
  if (!isEmptied(copy)) return copy
  if (copy.publicKey === null && copy.bytes === 0) throw noLog(place)
  throw new TacitError(
    'ERR_AUDIT_DAMAGED',
    `The audit log has no entry though ${copy.publicKey === null ? 'something' : 'its key'} is there: bring it back from a copy, for nothing else tells which keys there were`,
  )
}

const noLog = ({ data }: AuditPlace): TacitError =>
  new TacitError(
    'ERR_INPUT_FILE',
    `No audit log lies in ${data} yet, or it was taken away; name another data directory with --data`,
  )

/**
 * The log that is meant, to be shown. Where its entries are not what was signed, and what is shown may be made up, standard
 * error and exit code 1 say so.
 * @returns with it how many entries are signed @throws as {@link filledCopy}
 */
export async function shownLog(
  place: AuditPlace,
): Promise<{ readonly copy: AuditCopy; readonly reading: LogReading; readonly signed: number }> {
  const copy = await filledCopy(place)
  const reading = readingOf(copy)
  const sound = reading.soundHead()
  if (sound !== reading.newestHead()) {
    process.stderr.write(
      'These entries are not what was signed: some were changed, or the end was cut. `tacit audit verify` says what does not hold.\n',
    )
    process.exitCode = EXIT.failed
  }
  return { copy, reading, signed: sound?.size ?? 0 }
}

/** Says on standard error that it is the sample, where standard output is a document. */
export function sayRealm(isSample: boolean): void {
  if (isSample) process.stderr.write('Sample data.\n')
}

/**
 * That what the keeper calls now is not when an entry was written. Entries of tenants are dated by the hour, so that
 * less than two hours says nothing.
 * @param at @param written RFC 3339
 */
export function isOwnTime(at: string, written: string): boolean {
  return Math.abs(Date.parse(at) - Date.parse(written)) > SAME_CLOCK_MS
}

const SAME_CLOCK_MS = 2 * HOUR

export const OWN_TIME_NOTE =
  'The keeper’s own time is not when an entry was written: a driven run (the sample, an import) goes by the time of its data, and after the clock was set back entries go on with the last date before it.'

/** @throws TacitError ERR_AUDIT_RANGE where nothing is signed yet */
export function requireSigned(newest: SignedHead | null): SignedHead {
  if (newest !== null) return newest
  throw new TacitError('ERR_AUDIT_RANGE', 'No head is signed yet: the first one follows the first entry')
}

/** A number of entries on the command line. @throws UsageError */
export function countOf(text: string, option: string): number {
  const value = Number(text)
  if (/^[1-9]\d{0,14}$/.test(text)) return value
  throw new UsageError(`${option} must be a whole number above 0`)
}
