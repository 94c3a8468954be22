/** Places in a rulebook's text, for findings that other rooms make. */
import { FINDINGS, type FindingCode } from './codes.js'
import type { Place, Report } from './findings.js'
import type { Finding } from './types.js'
import { type Path, readYaml } from './yaml.js'

const QUIET: Report = () => undefined

/** A finding at a place. */
export function findingOf(code: FindingCode, place: Place, message: string): Finding {
  const { fix, severity, why } = FINDINGS[code]
  return { code, severity, ...place, message, why, fix }
}

/**
 * A finding at a place of a rulebook's text.
 * @param path keys from the root, e.g. `['examples', 2]`; the nearest parent where it is not there
 */
export function findingAt(
  code: FindingCode,
  { file, text }: { readonly file: string; readonly text: string },
  path: Path,
  message: string,
): Finding {
  const place = readYaml(file, text, QUIET)?.place(path) ?? { file, line: 1, column: 1 }
  return findingOf(code, place, message)
}
