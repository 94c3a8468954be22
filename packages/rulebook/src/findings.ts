/** Collecting findings: every check of one run reports here, and nothing stops at the first. */
import { FINDINGS, type FindingCode } from './codes.js'
import type { Finding } from './types.js'

/** Where in which file; line and column are 1-based. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type Report = (code: FindingCode, place: Place, message: string, fix?: string) => void

/** More than this in one run are cut off, with a finding that says so. */
export const MAX_FINDINGS = 200

export interface FindingList {
  readonly report: Report
  /** Findings by file (the rulebook first), line and column. */
  sorted(): readonly Finding[]
}

/** Findings by file (the rulebook first), line and column. */
export function sortedFindings(firstFile: string, findings: readonly Finding[]): readonly Finding[] {
  const rank = (finding: Finding): string => (finding.file === firstFile ? '' : `1${finding.file}`)
  return findings.toSorted((a, b) =>
    rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.line - b.line || a.column - b.column,
  )
}

/** An empty list. @param firstFile the file whose findings come first */
export function createFindingList(firstFile: string): FindingList {
  const found = new Map<string, Finding>()
  let left = 0

  const report: Report = (code, place, message, fix) => {
    const entry = FINDINGS[code]
    const finding: Finding = {
      code,
      severity: entry.severity,
      file: place.file,
      line: place.line,
      column: place.column,
      message,
      why: entry.why,
      fix: fix ?? entry.fix,
    }
    const key = JSON.stringify([code, place.file, place.line, place.column, message])
    if (found.has(key)) return
    if (found.size < MAX_FINDINGS) found.set(key, finding)
    else left += 1
  }

  return {
    report,
    sorted: () => {
      const list = sortedFindings(firstFile, [...found.values()])
      const last = list.at(-1)
      if (left === 0 || last === undefined) return list
      const { severity, why, fix } = FINDINGS.RULE_TOO_MANY_FINDINGS
      const message = `${left} more findings are not shown.`
      return [...list, { ...last, code: 'RULE_TOO_MANY_FINDINGS', severity, message, why, fix }]
    },
  }
}
