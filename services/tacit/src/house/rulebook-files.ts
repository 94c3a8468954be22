/** Rulebooks on disk: the one the user names, and the copy that a data directory was made under. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Clock, TacitError, utcDay } from '@tacit/contracts'
import {
  effectiveNow,
  type Finding,
  type LoadResult,
  parseForTrial,
  parseRulebook,
  RULEBOOK_FILE,
  type Rulebook,
  sortedFindings,
} from '@tacit/rulebook'
import { counted } from '../counted.js'
import { exampleFindings } from './examples.js'
import { listedPersonFindings } from './listed-persons.js'
import { type RulebookTexts, readTexts } from './rulebook-texts.js'

/**
 * Parses, lints, looks for people in what is listed, and tries the examples: a rulebook that does not do what its
 * examples say is none. One run finds everything.
 */
export function checkRulebook(
  file: string,
  texts: RulebookTexts['texts'],
  unreadable: RulebookTexts['unreadable'] = {},
): LoadResult {
  const { loaded, trial } = parseForTrial({ file, texts, unreadable })
  const persons = listedPersonFindings(file, texts)
  const failing = trial === null ? [] : exampleFindings(trial, { file, text: texts[file] ?? '' })
  const more = [...persons, ...failing]
  if (more.length === 0) return loaded
  return { rulebook: null, findings: sortedFindings(file, [...loaded.findings, ...more]) }
}

/** Reads a rulebook and the catalogues beside it, and checks it. @throws TacitError ERR_INPUT_FILE */
export function readRulebook(path: string): LoadResult {
  const { texts, unreadable } = readTexts(path)
  return checkRulebook(basename(path), texts, unreadable)
}

/** A rulebook that parses and lints without error, whatever its examples say. @throws TacitError */
export function readParsedRulebook(path: string): Rulebook {
  return requireRulebook(parseRulebook({ file: basename(path), ...readTexts(path) }), path)
}

/** A finding as people read it. */
export function findingText(finding: Finding): string {
  const { file, line, column, severity, code, message, why, fix } = finding
  return `${file}:${line}:${column}  ${severity}  ${code}\n    ${message}\n    why: ${why}\n    mend: ${fix}`
}

/** A rulebook without errors. @throws TacitError ERR_RULEBOOK_INVALID with every finding in the message */
export function requireRulebook(result: LoadResult, name: string): Rulebook {
  if (result.rulebook !== null) return result.rulebook
  const errors = result.findings.filter(({ severity }) => severity === 'error')
  throw new TacitError(
    'ERR_RULEBOOK_INVALID',
    `${name} has ${counted(errors.length, 'error')}:\n${errors.map(findingText).join('\n')}`,
  )
}

/** @throws TacitError ERR_RULEBOOK_INVALID where a rulebook may not ingest now */
export function requireEffective(rulebook: Rulebook, clock: Clock): void {
  const state = effectiveNow(rulebook, clock.now())
  if (state === 'active') return
  throw new TacitError(
    'ERR_RULEBOOK_INVALID',
    state === 'expired'
      ? `The rulebook ${rulebook.name} has expired: it ruled until the start of ${utcDay(rulebook.expires)} (UTC). An expired rulebook stops ingest. Review it and set a new \`expires\`.`
      : `The rulebook ${rulebook.name} is not in effect yet: it rules from ${utcDay(rulebook.effective)} (UTC) on, its \`effective\` date.`,
  )
}

/** The rulebook that a realm's stores were made under, or null for empty stores. */
export function storedRulebook(dir: string): Rulebook | null {
  const file = join(dir, RULEBOOK_FILE)
  return existsSync(file)
    ? requireRulebook(readRulebook(file), 'The rulebook kept in the data directory')
    : null
}

/** Keeps a rulebook under its hash, for as long as the data directory stands. */
export function archiveRulebook(archive: string, rulebook: Rulebook): void {
  const dir = join(archive, rulebook.hash)
  if (existsSync(dir)) return
  mkdirSync(archive, { recursive: true, mode: 0o700 })
  storeRulebook(dir, rulebook)
}

/** The rulebook of a hash. @throws TacitError ERR_REGISTER_DAMAGED where it is not there, or not the one it was */
export function archivedRulebook(archive: string, hash: string): Rulebook {
  const file = join(archive, hash, RULEBOOK_FILE)
  const rulebook = existsSync(file) ? readRulebook(file).rulebook : null
  if (rulebook?.hash === hash) return rulebook
  throw new TacitError(
    'ERR_REGISTER_DAMAGED',
    'A rulebook of the register is not kept as it was; restore the data directory from a backup',
  )
}

/** Every rulebook that is kept under its hash. @throws TacitError ERR_REGISTER_DAMAGED where one is not as it was */
export function archivedRulebooks(archive: string): readonly Rulebook[] {
  const names = existsSync(archive) ? readdirSync(archive) : []
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((hash) => archivedRulebook(archive, hash))
}

/** Keeps a copy of a rulebook with the stores that it rules. */
export function storeRulebook(dir: string, rulebook: Rulebook): void {
  const fresh = `${dir}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(rulebook.sources)) {
    writeFileSync(join(fresh, name), text, { mode: 0o600 })
  }
  rmSync(dir, { recursive: true, force: true })
  renameSync(fresh, dir)
}

/**
 * The rulebook of a realm: on empty stores the given one is taken as it is and kept (`initial`); on others it must be
 * the one they were made under.
 * @param given what the user named, or null
 * @throws TacitError ERR_DATA_RULEBOOK
 */
export function settleRulebook(dir: string, given: Rulebook | null, fallback: () => Rulebook): Rulebook {
  const stored = storedRulebook(dir)
  if (stored !== null && (given === null || given.hash === stored.hash)) return stored
  if (stored !== null) {
    throw new TacitError(
      'ERR_DATA_RULEBOOK',
      `This data directory was made under the rulebook ${stored.name} ${stored.version}, and the one given differs. ` +
        'Leave --rulebook out to go on with the one it has, or name another --data DIR. To change a rulebook run `tacit rules activate FILE`.',
    )
  }
  const initial = given ?? fallback()
  storeRulebook(dir, initial)
  return initial
}
