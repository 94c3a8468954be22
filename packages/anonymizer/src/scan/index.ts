/** Being built by H2: the door only. */
import type { Detector } from '@tacit/rulebook'

export interface Scanner {
  /** the first detector, in the order of DETECTORS, that finds something in the text (after normalisation), or null */
  scan(text: string): Detector | null
  /** several texts of one event put together: an identifier may be split over two props */
  scanSplit(texts: readonly string[]): Detector | null
}

export function createScanner(_detectors: readonly Detector[]): Scanner {
  return { scan: () => null, scanSplit: () => null }
}
