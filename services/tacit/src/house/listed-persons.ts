/** Personal identifiers in what a rulebook lists: values, routes, events, words, titles. */
import { createScanner } from '@tacit/anonymizer'
import { DETECTORS, type Detector, type Finding, findingOf, listedTexts } from '@tacit/rulebook'

/** More than so many are counted, not shown. */
const MAX_SHOWN = 100

/** How a path reads in a message; the last key may itself be what was found, and is never part of it. */
function pathText(path: readonly (string | number)[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${String(step)}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}

/** How a detector's find is called. */
const NAMES: Partial<Record<Detector, string>> = {
  email: 'an e-mail address',
  phone_in: 'a phone number',
  pan: 'a PAN',
  aadhaar: 'an Aadhaar number',
  random_token: 'a random token',
  jwt: 'a signed token',
  card: 'a card number',
  upi: 'a UPI address',
}

/**
 * The findings of every text of a rulebook and its catalogues in which a detector, declared or not, finds a personal
 * identifier. The finding says where, and never what.
 * @param file the key of the rulebook in `texts`
 */
export function listedPersonFindings(
  file: string,
  texts: Readonly<Record<string, string>>,
): readonly Finding[] {
  const scanner = createScanner(DETECTORS)
  const found: Finding[] = []
  let left = 0
  for (const { path, place, text } of listedTexts(file, texts)) {
    const detector = scanner.scan(text)
    if (detector === null) continue
    if (found.length === MAX_SHOWN) {
      left += 1
      continue
    }
    const name = NAMES[detector] ?? `an identifier (${detector})`
    const where = path.length === 0 ? 'this file' : pathText(path)
    found.push(findingOf('RULE_LISTED_PERSON', place, `In ${where} stands what looks like ${name}.`))
  }
  const last = found.at(-1)
  if (left === 0 || last === undefined) return found
  const { column, line } = last
  const place = { file: last.file, line, column }
  return [
    ...found,
    findingOf(
      'RULE_TOO_MANY_FINDINGS',
      place,
      `${String(left)} more ${left === 1 ? 'is' : 'are'} not shown.`,
    ),
  ]
}
