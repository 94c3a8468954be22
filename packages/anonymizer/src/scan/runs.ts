/**
 * Runs: how letters and digits hang together in a text. A group is a longest run of ASCII letters and digits; a chain is
 * groups with at most two separators between (`98765 43210`, `2345-6789-0124`). Anything else, a slash too, ends a chain.
 */

export interface Group {
  /** as it stands */
  readonly text: string
  readonly isDigits: boolean
  /** what stands between the group before it and this one; '' at a chain's start */
  readonly before: string
}

const MAX_SEPARATORS = 2

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function isWord(code: number): boolean {
  const lower = code | 0x20
  return isDigit(code) || (lower >= 0x61 && lower <= 0x7a)
}

/** Space, hyphen, dot, underscore, parentheses, plus. */
export function isSeparator(code: number): boolean {
  return (
    code === 0x20 ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f ||
    code === 0x28 ||
    code === 0x29 ||
    code === 0x2b
  )
}

function group(text: string, before: string): Group {
  let isDigits = true
  for (let at = 0; at < text.length && isDigits; at++) isDigits = isDigit(text.charCodeAt(at))
  return { text, isDigits, before }
}

/** The chains of a text; one pass. */
export function chainsOf(text: string): readonly (readonly Group[])[] {
  const chains: Group[][] = []
  let chain: Group[] = []
  let separatorsFrom = -1
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isWord(code)) {
      const start = at
      while (at < text.length && isWord(text.charCodeAt(at))) at++
      const before = chain.length === 0 || separatorsFrom < 0 ? '' : text.slice(separatorsFrom, start)
      if (chain.length === 0) chains.push(chain)
      chain.push(group(text.slice(start, at), before))
      separatorsFrom = -1
      continue
    }
    if (chain.length > 0) {
      if (separatorsFrom < 0) separatorsFrom = at
      if (!isSeparator(code) || at - separatorsFrom >= MAX_SEPARATORS) {
        chain = []
        separatorsFrom = -1
      }
    }
    at++
  }
  return chains
}

/** The longest runs of digits within a group of letters and digits. */
export function digitRuns(text: string): readonly string[] {
  const runs: string[] = []
  let start = -1
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && isDigit(text.charCodeAt(at))) {
      if (start < 0) start = at
    } else if (start >= 0) {
      runs.push(text.slice(start, at))
      start = -1
    }
  }
  return runs
}
