/** Refusals that a browser sends with every request. */
export interface Signals {
  /** Global Privacy Control; taking it as a refusal of analytics is our stricter choice (it speaks of sale and sharing) */
  readonly gpc: boolean
  /** Do Not Track: its group is closed, some browsers still send it */
  readonly dnt: boolean
}

const NONE: Signals = { gpc: false, dnt: false }

/**
 * Reads `Sec-GPC` and `DNT` off the raw header list of `node:http` (name, value, name, value, …), because Node joins
 * repeated headers into `1, 1`. Only the field value `1` counts, and of several lines one such is enough.
 */
export function readSignals(rawHeaders: readonly string[]): Signals {
  let gpc = false
  let dnt = false
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at + 1] !== '1') continue
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (name === 'sec-gpc') gpc = true
    else if (name === 'dnt') dnt = true
  }
  return gpc || dnt ? { gpc, dnt } : NONE
}
