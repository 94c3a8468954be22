/** For tests: the shipped rulebooks, with changes. */
import { readFileSync } from 'node:fs'
import { catalogueNames, parseRulebook, type Rulebook } from '@tacit/rulebook'

/** A shipped rulebook. @param changes pieces of its text and what replaces each; a piece must stand there */
export function shippedRulebook(
  name: 'erp' | 'website',
  changes: readonly (readonly [string, string])[] = [],
): Rulebook {
  const folder = new URL(`../../../../rulebooks/${name}/`, import.meta.url)
  let text = readFileSync(new URL('rulebook.yaml', folder), 'utf8')
  for (const [before, after] of changes) {
    if (!text.includes(before)) throw new Error(`not in the rulebook: ${before}`)
    text = text.replace(before, after)
  }
  const texts: Record<string, string> = { 'rulebook.yaml': text }
  for (const file of catalogueNames(text)) texts[file] = readFileSync(new URL(file, folder), 'utf8')
  const { rulebook, findings } = parseRulebook({ file: 'rulebook.yaml', texts })
  if (rulebook === null) throw new Error(JSON.stringify(findings))
  return rulebook
}
