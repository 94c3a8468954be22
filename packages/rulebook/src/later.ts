/** What the language will be able to say, and this version cannot honour: refused by name, never silently read. */
import type { Path } from './yaml.js'

/** Paths of keys, `*` for any one step. */
const LATER: Readonly<Record<string, string>> = {
  scan: 'scanning of texts for personal identifiers',
  'fields.*.then': 'a second step after truncation',
  'fields.*.max_bits': 'a measured budget of bits',
  'statistics.*.histogram': 'histograms',
  'statistics.*.funnel': 'funnels',
  'statistics.*.retention': 'retention',
  'release.noise': 'noise',
}

/** What a key at `path` will be for, or null where no version knows it. */
export function laterFeature(path: Path): string | null {
  const steps = path.map(String)
  const wildcard = steps.map((step, index) => (index === 1 && steps.length > 2 ? '*' : step))
  return LATER[wildcard.join('.')] ?? null
}
