/** What the privacy team must never sign. Each lint reports all it finds and depends on no other. */
import { lintCatalogues } from './catalogues.js'
import type { LintContext } from './context.js'
import { lintFields } from './fields.js'
import { lintMeasures } from './measures.js'
import { lintNoise } from './noise.js'
import { lintPurpose } from './purpose.js'
import { lintRelease } from './release.js'
import { lintScan } from './scan.js'
import { lintShapes } from './shapes.js'
import { lintSites } from './sites.js'
import { lintStatistics } from './statistics.js'
import { lintTime } from './time.js'

export function lint(context: LintContext): void {
  lintPurpose(context)
  lintSites(context)
  lintTime(context)
  lintFields(context)
  lintCatalogues(context)
  lintStatistics(context)
  lintShapes(context)
  lintMeasures(context)
  lintScan(context)
  lintRelease(context)
  lintNoise(context)
}
