/** Files of the repository that are made from the program: `npm run docs` writes them, a test keeps them current. */
import {
  catalogueJsonSchema,
  explanationMarkdown,
  rulebookJsonSchema,
  rulebookReference,
} from '@tacit/rulebook'
import { configurationPage } from './configuration-page.js'
import { explainWhole } from './explanation.js'
import { ERP_RULEBOOK } from './layout.js'
import { readRulebook, requireRulebook } from './rulebook-files.js'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Text by path from the repository's root. */
export function generatedPages(): Readonly<Record<string, string>> {
  return {
    'docs/configuration.md': configurationPage(),
    'docs/rulebook-erp.md': explanationMarkdown(
      explainWhole(requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)),
    ),
    'docs/rulebook-reference.md': rulebookReference(),
    'rulebooks/rulebook.schema.json': json(rulebookJsonSchema()),
    'rulebooks/catalogue.schema.json': json(catalogueJsonSchema()),
  }
}
