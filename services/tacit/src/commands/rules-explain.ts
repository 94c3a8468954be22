/** `rules explain`: a rulebook as a page in plain English. */
import { type Explanation, explanationHtml, explanationMarkdown } from '@tacit/rulebook'
import { Command } from 'commander'
import { explainDecisions, explainWhole } from '../house/explanation.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { writeOutput } from '../house/written-files.js'
import { print, UsageError } from '../output.js'

interface ExplainOptions {
  readonly format: string
  readonly decisions?: boolean
  readonly out?: string
  readonly json?: boolean
}

const FORMATS: Readonly<Record<string, (explanation: Explanation) => string>> = {
  markdown: explanationMarkdown,
  html: explanationHtml,
  json: (explanation) => `${JSON.stringify(explanation)}\n`,
}

export function rulesExplainCommand(): Command {
  return new Command('explain')
    .description(
      'A rulebook in plain English: what is collected and why, what happens to each field, where it lives and until when, who can read it, which promise it keeps',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option('--format <format>', `one of ${Object.keys(FORMATS).join(', ')}`, 'markdown')
    .option('--decisions', 'the decision’s tables alone: every question, its reasons and its law')
    .option('--out <file>', 'write to a file')
    .option('--json', 'for machines; the same as --format json')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit rules explain rulebooks/erp/rulebook.yaml\n  $ npx tacit rules explain --format html --out privacy.html\n  $ npx tacit rules explain --decisions\n',
    )
    .action((file: string, options: ExplainOptions) => {
      const render = FORMATS[options.json === true ? 'json' : options.format]
      if (render === undefined) throw new UsageError(`--format is one of ${Object.keys(FORMATS).join(', ')}`)
      const rulebook = requireRulebook(readRulebook(file), file)
      const text = render(options.decisions === true ? explainDecisions(rulebook) : explainWhole(rulebook))
      if (options.out === undefined) print(text.trimEnd())
      else writeOutput(options.out, text, { option: '--out' })
    })
}
