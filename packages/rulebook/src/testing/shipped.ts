/** For tests: the texts of a shipped rulebook and of its catalogues, with changes. */
import { readFileSync } from 'node:fs'
import { catalogueNames, parseRulebook } from '../parse.js'
import type { Finding, LoadResult, Rulebook } from '../types.js'

export type Texts = Record<string, string>
export const FILE = 'rulebook.yaml'

/** The texts as they lie in the repository. */
export function shipped(name: 'erp' | 'website'): Texts {
  const folder = new URL(`../../../../rulebooks/${name}/`, import.meta.url)
  const text = readFileSync(new URL(FILE, folder), 'utf8')
  const catalogues = catalogueNames(text).map(
    (file) => [file, readFileSync(new URL(file, folder), 'utf8')] as const,
  )
  return { [FILE]: text, ...Object.fromEntries(catalogues) }
}

/** The texts with one piece of one file replaced; the piece must stand there exactly once. */
export function changed(texts: Texts, before: string, after: string, file = FILE): Texts {
  const parts = (texts[file] ?? '').split(before)
  if (parts.length !== 2) throw new Error(`${parts.length - 1} times in ${file}: ${before}`)
  return { ...texts, [file]: parts.join(after) }
}

export function load(texts: Texts): LoadResult {
  return parseRulebook({ file: FILE, texts })
}

/** The rulebook of texts without errors. */
export function loaded(texts: Texts): Rulebook {
  const { rulebook, findings } = load(texts)
  if (rulebook === null) throw new Error(JSON.stringify(findings))
  return rulebook
}

/** A shipped rulebook. @param changes pieces of its text and what replaces each; a piece must stand there exactly once */
export function shippedRulebook(
  name: 'erp' | 'website',
  ...changes: readonly (readonly [string, string])[]
): Rulebook {
  return loaded(changes.reduce((texts, [before, after]) => changed(texts, before, after), shipped(name)))
}

/** `CODE file:line:column` of each finding. */
export function places(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code, file, line, column }) => `${code} ${file}:${line}:${column}`)
}

/** Line and column, 1-based, at which a piece of a text begins. */
export function placeOf(texts: Texts, piece: string, file = FILE): string {
  const [before = '', rest] = (texts[file] ?? '').split(piece, 2)
  if (rest === undefined) throw new Error(`not in ${file}: ${piece}`)
  const lines = before.split('\n')
  return `${file}:${lines.length}:${(lines.at(-1) ?? '').length + 1}`
}
