/** From texts to a rulebook: parse, read, lint, build. One run finds everything; any error means no rulebook. */
import { buildRulebook } from './build.js'
import { catalogueUse, isCatalogueName, readCatalogues } from './catalogues.js'
import { readDraft } from './draft.js'
import { createFindingList, type Report } from './findings.js'
import { lint } from './lint/index.js'
import type { LoadResult, Rulebook } from './types.js'
import { readYaml } from './yaml.js'

export interface RulebookInput {
  /** the key of the rulebook in `texts`, as findings will name it */
  readonly file: string
  /** the rulebook, and its catalogues under the names that the rulebook uses */
  readonly texts: Readonly<Record<string, string>>
}

function load(input: RulebookInput, report: Report): Rulebook | null {
  const text = Object.hasOwn(input.texts, input.file) ? input.texts[input.file] : undefined
  if (text === undefined) {
    const place = { file: input.file, line: 1, column: 1 }
    report('RULE_FILE_MISSING', place, 'The rulebook is not there.')
    return null
  }
  const start = { file: input.file, line: 1, column: 1 }
  if (text.includes('\0')) {
    report('RULE_FILE_TEXT', start, 'This is not a text file.')
    return null
  }
  if (text.trim() === '') {
    report('RULE_FILE_TEXT', start, 'The file is empty.')
    return null
  }
  const source = readYaml(input.file, text, report)
  if (source === null) return null
  const draft = readDraft(source, report)
  const uses = [...draft.fields.good].flatMap(([name, rule]) => catalogueUse(name, rule) ?? [])
  const catalogues = readCatalogues(uses, source, input.texts, report)
  lint({ draft, catalogues, report })
  return buildRulebook(draft, text, catalogues)
}

/** Parses and lints a rulebook. Never throws; with any error there is no rulebook. */
export function parseRulebook(input: RulebookInput): LoadResult {
  const list = createFindingList(input.file)
  const rulebook = load(input, list.report)
  const findings = list.sorted()
  const failed = rulebook === null || findings.some((finding) => finding.severity === 'error')
  return failed ? { rulebook: null, findings } : { rulebook, findings }
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
  const uses = [...draft.fields.good].flatMap(([name, rule]) => catalogueUse(name, rule) ?? [])
  return [...new Set(uses.map((use) => use.name).filter(isCatalogueName))]
}
