/**
 * A file seen line by line, as a person sees it: how far each line is indented, whether it opens a section, and which
 * brackets and quotation marks stay open. Used only to say in plain words why a file is no YAML; what YAML means is the
 * library's to decide. Every character is looked at once.
 */

/** A line that states a key or an item; comments, blank lines and what continues another line are none. */
export interface StatedLine {
  /** 1-based */
  readonly number: number
  readonly indent: number
  /** columns (0-based) at which its items and its key begin: `  - a: 1` has 2 and 4 */
  readonly columns: readonly number[]
  readonly form: 'key' | 'item' | 'text'
  /** nothing stands behind its key or dash: what follows, deeper, is its content */
  readonly opens: boolean
  /** its value is a text without quotation marks, which the next lines may continue */
  readonly isPlain: boolean
  /** a blank line or a comment stands above it */
  readonly hasGap: boolean
  /** it would be a key if a space followed its colon */
  readonly lacksSpace: boolean
}

/** What is wrong with a line whatever stands around it. */
export type LoneFault = {
  readonly line: number
  /** the stated line above it: a parser notices some faults there */
  readonly below: number
} & (
  | { readonly of: 'tab' }
  | { readonly of: 'bracket' | 'quote'; readonly column: number; readonly mark: string }
)

export interface SeenLines {
  readonly stated: readonly StatedLine[]
  readonly faults: readonly LoneFault[]
}

interface Opened {
  readonly mark: string
  readonly line: number
  readonly column: number
  /** of the line that opened it */
  readonly indent: number
}

const CLOSES: Readonly<Record<string, string>> = { ']': '[', '}': '{' }
const LOOKS_LIKE_KEY = /^ *[A-Za-z_"'][\w."'-]*:(?: |$)/
const LACKS_SPACE = /^[a-z_][a-z0-9_]*:[^\s:/]/i

const isSpace = (character: string | undefined): boolean =>
  character === undefined || character === ' ' || character === '\t'

/** Reads the lines of a file; state that spans lines lives here. */
class LineReader {
  readonly stated: StatedLine[] = []
  readonly faults: LoneFault[] = []
  #brackets: Opened[] = []
  #quote: Opened | null = null
  /** the indentation that a text block (`|`, `>`) must exceed */
  #block: number | null = null
  #hasGap = true

  take(line: string, number: number): void {
    const indent = line.length - line.replace(/^ +/, '').length
    const rest = line.slice(indent)
    if (this.#block !== null && (rest.trim() === '' || indent > this.#block)) return
    this.#block = null
    if (this.#quote !== null) {
      this.#scan(line, 0, number, this.#quote.indent)
      return
    }
    if (rest.trim() === '' || rest.startsWith('#')) {
      this.#hasGap = true
      return
    }
    if (rest.startsWith('\t'))
      this.faults.push({ of: 'tab', line: number, below: this.stated.at(-1)?.number ?? 1 })
    if (this.#brackets.length > 0 && !this.#isLeftOpen(line, indent)) {
      this.#scan(line, 0, number, this.#brackets[0]?.indent ?? indent)
      return
    }
    if (/^(?:---|\.\.\.|%)/.test(line)) return
    this.#state(line, number, indent)
  }

  /** The end of the file: what is open stays open. */
  end(): void {
    if (this.#quote !== null) this.#fault('quote', this.#quote)
    const [outermost] = this.#brackets
    if (outermost !== undefined) this.#fault('bracket', outermost)
  }

  /** Whether a key that is no deeper than the line with the bracket shows that the bracket was never closed. */
  #isLeftOpen(line: string, indent: number): boolean {
    const [outermost] = this.#brackets
    if (outermost === undefined || indent > outermost.indent || !LOOKS_LIKE_KEY.test(line)) return false
    this.#fault('bracket', outermost)
    this.#brackets = []
    return true
  }

  #fault(of: 'bracket' | 'quote', { column, line, mark }: Opened): void {
    this.faults.push({ of, line, below: line, column, mark })
  }

  /** A line outside brackets and quotation marks. */
  #state(line: string, number: number, indent: number): void {
    const columns: number[] = []
    let at = indent
    while (line[at] === '-' && isSpace(line[at + 1])) {
      columns.push(at)
      at += 1
      while (line[at] === ' ') at += 1
    }
    const isItem = columns.length > 0
    const colon = keyEnd(line, at)
    if (colon >= 0) columns.push(at)
    const value = colon >= 0 ? valueStart(line, colon + 1) : at
    const first = line[value]
    const isEmpty = first === undefined || (first === '#' && isSpace(line[value - 1]))
    const isBlock = first === '|' || first === '>'
    const isMarked = first !== undefined && '"\'[{'.includes(first)
    this.stated.push({
      number,
      indent,
      columns: columns.length === 0 ? [indent] : columns,
      form: colon >= 0 ? 'key' : isItem ? 'item' : 'text',
      opens: (colon >= 0 || isItem) && isEmpty,
      isPlain: !isEmpty && !isBlock && !isMarked,
      hasGap: this.#hasGap,
      lacksSpace: colon < 0 && !isItem && LACKS_SPACE.test(line.slice(at)),
    })
    this.#hasGap = false
    if (isBlock) this.#block = columns.at(-1) ?? indent
    else if (isMarked) this.#scan(line, value, number, indent)
  }

  /** Follows brackets and quotation marks from a place to the end of a line. */
  #scan(line: string, from: number, number: number, indent: number): void {
    for (let at = from; at < line.length; at++) {
      const character = line[at] ?? ''
      if (this.#quote !== null) {
        if (this.#quote.mark === '"' && character === '\\') at += 1
        else if (character === this.#quote.mark) {
          if (character === "'" && line[at + 1] === "'") at += 1
          else this.#quote = null
        }
      } else if (character === '#' && (at === 0 || isSpace(line[at - 1]))) break
      else if (character === '"' || character === "'") {
        if (at === from || /[\s[{,:]/.test(line[at - 1] ?? ' '))
          this.#quote = { mark: character, line: number, column: at + 1, indent }
      } else if (character === '[' || character === '{')
        this.#brackets.push({ mark: character, line: number, column: at + 1, indent })
      else if (CLOSES[character] !== undefined && this.#brackets.length > 0) {
        this.#brackets.pop()
        if (this.#brackets.length === 0 && this.#quote === null) break
      } else if (this.#brackets.length === 0 && !isSpace(character)) break
    }
    // A text in quotation marks may go on in the next line; in a rulebook none does.
    if (this.#quote?.line === number) this.#fault('quote', this.#quote)
  }
}

/** Where the colon of a line's key stands, or -1. */
function keyEnd(line: string, from: number): number {
  const mark = line[from]
  let at = from
  if (mark === '"' || mark === "'") {
    at = line.indexOf(mark, from + 1) + 1
    if (at === 0) return -1
    while (line[at] === ' ') at += 1
    return line[at] === ':' && isSpace(line[at + 1]) ? at : -1
  }
  if (mark === '[' || mark === '{') return -1
  for (; at < line.length; at++) {
    if (line[at] === ':' && isSpace(line[at + 1])) return at
    if (line[at] === '#' && isSpace(line[at - 1])) return -1
  }
  return -1
}

function valueStart(line: string, from: number): number {
  let at = from
  while (at < line.length && isSpace(line[at])) at += 1
  return at
}

/** What a person sees in a text, line by line. */
export function seeLines(text: string): SeenLines {
  const reader = new LineReader()
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) reader.take(line, index + 1)
  reader.end()
  return reader
}
