/** From texts to a rulebook: parse, read, lint, build. One run finds everything; any error means no rulebook. */
import { buildRulebook } from './build.js'
import { catalogueUse, isCatalogueName, readCatalogues } from './catalogues.js'
import { readDraft } from './draft.js'
import { createFindingList, type Report } from './findings.js'
import { lintBits } from './lint/bits.js'
import { lint } from './lint/index.js'
import { type Trial, trialOf } from './trial.js'
import type { LoadResult, Rulebook } from './types.js'
import { readYaml } from './yaml.js'

export interface RulebookInput {
  /** the key of the rulebook in `texts`, as findings will name it */
  readonly file: string
  /** the rulebook, and its catalogues under the names that the rulebook uses */
  readonly texts: Readonly<Record<string, string>>
  /** files that are there and cannot be read as text: where each stops being one, and what it is */
  readonly unreadable?: Readonly<Record<string, Unreadable>>
}

export interface Unreadable {
  readonly line: number
  readonly column: number
  readonly message: string
  readonly fix: string
}

interface Loaded {
  readonly rulebook: Rulebook | null
  readonly trial: Trial | null
}
const NOTHING: Loaded = { rulebook: null, trial: null }

function load({ file, texts, unreadable = {} }: RulebookInput, report: Report): Loaded {
  const start = { file, line: 1, column: 1 }
  for (const [name, { column, fix, line, message }] of Object.entries(unreadable)) {
    report('RULE_FILE_TEXT', { file: name, line, column }, message, fix)
  }
  const text = Object.hasOwn(texts, file) ? texts[file] : undefined
  if (text === undefined) {
    if (!Object.hasOwn(unreadable, file)) report('RULE_FILE_MISSING', start, 'The rulebook is not there.')
    return NOTHING
  }
  if (text.includes('\0') || text.trim() === '') {
    const message = text.includes('\0') ? 'This is not a text file.' : 'The file is empty.'
    report('RULE_FILE_TEXT', start, message)
    return NOTHING
  }
  const source = readYaml(file, text, report)
  if (source === null) return NOTHING
  const draft = readDraft(source, report)
  const uses = [...draft.fields.read].flatMap(([name, rule]) => catalogueUse(name, rule) ?? [])
  const there = uses.filter(({ name }) => Object.hasOwn(texts, name) || !Object.hasOwn(unreadable, name))
  const catalogues = readCatalogues(there, source, texts, report)
  lint({ draft, catalogues, report })
  const trial = trialOf(draft, text, catalogues)
  const minUsers = draft.release?.min_users
  if (trial !== null && minUsers !== undefined) lintBits(trial.rulebook, minUsers, source, report)
  return { rulebook: buildRulebook(draft, text, catalogues), trial }
}

/** Parses and lints a rulebook. Never throws; with any error there is no rulebook. */
export function parseRulebook(input: RulebookInput): LoadResult {
  return parseForTrial(input).loaded
}

/** The same, and what is needed to try its examples, whatever else is wrong. */
export function parseForTrial(input: RulebookInput): {
  readonly loaded: LoadResult
  readonly trial: Trial | null
} {
  const list = createFindingList(input.file)
  const { rulebook, trial } = load(input, list.report)
  const findings = list.sorted()
  const failed = rulebook === null || findings.some((finding) => finding.severity === 'error')
  return { loaded: failed ? { rulebook: null, findings } : { rulebook, findings }, trial }
}

/**
 * The catalogue files that a rulebook's text names, for whoever reads files. Plain names in the rulebook's own
 * folder only; what is wrong with the text is for {@link parseRulebook} to say.
 */
export function catalogueNames(text: string): readonly string[] {
  const quiet: Report = () => undefined
  const source = readYaml('', text, quiet)
  if (source === null) return []
  const draft = readDraft(source, quiet)
  const uses = [...draft.fields.read].flatMap(([name, rule]) => catalogueUse(name, rule) ?? [])
  return [...new Set(uses.map((use) => use.name).filter(isCatalogueName))]
}
