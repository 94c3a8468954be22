/** Scanning: whether anything looks for personal identifiers in texts, and for which. */
import type { Detector } from '../types.js'
import type { LintContext } from './context.js'

/** What a page of an Indian ERP holds (privacy.md 2.8). */
const USUAL: readonly Detector[] = [
  'email',
  'phone_in',
  'pan',
  'aadhaar',
  'gstin',
  'upi',
  'ifsc',
  'iban',
  'card',
]

export function lintScan({ draft, report }: LintContext): void {
  const { scan, source } = draft
  if (scan === undefined) {
    // A scan that is there and does not read is a finding of its own.
    const { value } = source
    if (typeof value === 'object' && value !== null && !Object.hasOwn(value, 'scan'))
      report('RULE_SCAN_MISSING', source.place(['scan']), 'No `scan` is declared: texts pass unsearched.')
    return
  }
  if (scan.detectors === undefined) return
  const seen = new Set<string>()
  for (const [index, detector] of scan.detectors.entries()) {
    if (seen.has(detector)) {
      const place = source.place(['scan', 'detectors', index])
      report('RULE_VALUE_TWICE', place, `The detector ${detector} stands here a second time.`)
    }
    seen.add(detector)
  }
  const missing = USUAL.filter((detector) => !seen.has(detector))
  if (missing.length > 0) {
    const place = source.place(['scan', 'detectors'], 'key')
    report('RULE_SCAN_DETECTORS', place, `Nothing looks for ${missing.join(', ')}.`)
  }
}
