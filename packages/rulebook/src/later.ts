/** What the language will be able to say, and this version cannot honour: refused by name, never silently read. */
import type { Path } from './yaml.js'

/** Paths of keys. */
const LATER: Readonly<Record<string, string>> = {
  'release.noise': 'noise',
}

/** What a key at `path` will be for, or null where no version knows it. */
export function laterFeature(path: Path): string | null {
  return LATER[path.map(String).join('.')] ?? null
}
