/** Which lines become a page view, and which formats a file may have. */
import type { LINE_REASONS } from '@tacit/contracts'
import { type AccessLine, hasUserAgent, parseCombined } from './combined.js'
import { isAsset, splitTarget } from './target.js'

export type LogFormat = 'combined' | 'common' | 'beacons'

/** Why a line that parsed is no page view. */
export type LineReason = Extract<(typeof LINE_REASONS)[number], 'line.method' | 'line.status' | 'line.asset'>

const FIRST_ERROR = 400

/**
 * The reason to drop a line, or null: it is a page view (GET or POST, status below 400, and no static file where the
 * rulebook says `assets: drop`).
 */
export function classifyLine(
  line: Pick<AccessLine, 'method' | 'status' | 'target'>,
  assets: 'drop' | 'count',
): LineReason | null {
  if (line.method !== 'GET' && line.method !== 'POST') return 'line.method'
  if (line.status >= FIRST_ERROR) return 'line.status'
  return assets === 'drop' && isAsset(splitTarget(line.target)) ? 'line.asset' : null
}

/** The format of a file, by the first line that tells; `combined` where none does, whose parser reads `common` too. */
export function detectFormat(firstLines: readonly string[]): LogFormat {
  for (const line of firstLines) {
    if (line.trimStart().startsWith('{')) return 'beacons'
    if (parseCombined(line) !== null) return hasUserAgent(line) ? 'combined' : 'common'
  }
  return 'combined'
}
