/** Refusals that a browser sends with every request. */
export interface Signals {
  /** Global Privacy Control; taking it as a refusal of analytics is our stricter choice (it speaks of sale and sharing) */
  readonly gpc: boolean
  /** Do Not Track: its group is closed, some browsers still send it */
  readonly dnt: boolean
}

const NONE: Signals = { gpc: false, dnt: false }

/**
 * Reads `Sec-GPC` and `DNT` off the raw header list of `node:http` (name, value, name, value, …; blanks around a value
 * are gone). Of several lines one that is exactly `1` is enough: each is a field of its own, and where an extension or a
 * proxy adds a line to the browser's, the refusal counts. One line `1, 1` is a single value that the proposal does not
 * know, and it is ignored (privacy.md 1; W3C Global Privacy Control). Node's `headers` joins several lines into that very
 * text, so there the two could not be told apart; here they are.
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
