/**
 * Why a file is no YAML, in plain words and at the line that was mistyped. The parser notices a wrong indentation one
 * line early or ten lines late, and then complains of everything that follows; the lines themselves show it better.
 */
import { type LoneFault, type StatedLine, seeLines } from './yaml-lines.js'

export interface YamlFault {
  /** 1-based, both */
  readonly line: number
  readonly column: number
  readonly message: string
  readonly fix: string
}

/** A fault, and the lines at which a parser would notice it. */
interface Suspect {
  readonly fault: YamlFault
  readonly from: number
  readonly to: number
}

interface Level {
  readonly indent: number
  readonly first: StatedLine
  last: StatedLine
  /** lines that begin in this column */
  lines: number
  /** columns of the sections that its last line ended */
  ended: readonly number[]
}

/** So many lines are looked at for the next one of a section. */
const LOOK_AHEAD = 200

const spaces = (many: number): string => (many === 0 ? 'no space' : many === 1 ? '1 space' : `${many} spaces`)

function indentation({ indent, number }: StatedLine, expected: number): YamlFault {
  const neighbours = expected === 0 ? 'none' : String(expected)
  return {
    line: number,
    column: indent + 1,
    message: `Line ${number} is indented by ${spaces(indent)}, its neighbours by ${neighbours}: lines of one section begin in the same column.`,
    fix: `Indent line ${number} by ${spaces(expected)}.`,
  }
}

function lone(fault: LoneFault): YamlFault {
  const { line } = fault
  if (fault.of === 'tab') {
    const fix = 'Put as many spaces in the place of the tab as the lines beside it have.'
    return { line, column: 1, message: `Line ${line} begins with a tab; use spaces.`, fix }
  }
  const { column, mark } = fault
  if (fault.of === 'quote') {
    const message = `The quotation mark ${mark} of line ${line} is not closed in this line.`
    return { line, column, message, fix: `Put a second ${mark} behind the text.` }
  }
  const other = mark === '[' ? ']' : '}'
  const message = `The bracket ${mark} of line ${line} is not closed.`
  return { line, column, message, fix: `Put ${other} behind what belongs to it.` }
}

/** Places line after line in the section it belongs to, and finds those that belong to none. */
class Sections {
  readonly suspects: Suspect[] = []
  readonly #lines: readonly StatedLine[]
  readonly #levels: Level[] = []
  #before: StatedLine | null = null
  /** the number of the line before that */
  #earlier = 1
  /** columns of the sections that the line before ended */
  #ended: readonly number[] = []
  /** lines right below a key without a value that are no deeper than it: perhaps they should be */
  readonly #belowEmpty = new Set<StatedLine>()

  constructor(lines: readonly StatedLine[]) {
    this.#lines = lines
  }

  take(line: StatedLine, at: number): void {
    const { form, indent } = line
    const before = this.#before
    const top = this.#levels.at(-1)?.indent ?? -1
    const isDeeper = before !== null && indent > top
    if (isDeeper && form === 'text' && (before.isPlain || before.opens)) return
    if (isDeeper && !before.opens) this.#tooDeep(line, at, before, top)
    else this.#place(line, at)
    if (form === 'text') this.#noKey(line)
    this.#earlier = before?.number ?? 1
    this.#before = line
  }

  /** The line is deeper than the one before, which has a value already: one of the two is wrong. */
  #tooDeep(line: StatedLine, at: number, before: StatedLine, top: number): void {
    const hasCompany = this.#hasCompany(at)
    const wasHere = this.#ended.includes(line.indent) || this.#belowEmpty.has(before)
    const isAlone = this.#levels.length > 1 && this.#levels.at(-1)?.lines === 1
    const isBeforeOdd = wasHere ? hasCompany || !before.hasGap : isAlone && hasCompany
    this.#suspect(isBeforeOdd ? indentation(before, line.indent) : indentation(line, top), line)
    this.#ended = []
    if (isBeforeOdd) this.#open(line, line.columns)
    else this.#count(line)
  }

  /** Ends the sections that are deeper; the line must stand in the column of the one that is left. */
  #place(line: StatedLine, at: number): void {
    const from = this.#levels.findLastIndex(({ indent }) => indent <= line.indent) + 1
    const ended = this.#levels.splice(from)
    this.#ended = ended.map(({ indent }) => indent)
    const outer = this.#levels.at(-1)
    const before = this.#before
    const column = before?.columns.at(-1) ?? 0
    if (before?.opens === true && before.form === 'key') {
      if (line.indent < column || (line.indent === column && line.form === 'key')) this.#belowEmpty.add(line)
    }
    if (outer?.indent === line.indent) {
      this.#count(line)
      this.#open(line, line.columns.slice(1))
      return
    }
    const [inner] = ended
    if (inner !== undefined) this.#between(line, at, inner, outer)
    this.#open(line, line.columns)
  }

  /** The line stands between the columns of two sections: it is wrong, or what stands before it. */
  #between(line: StatedLine, at: number, inner: Level, outer: Level | undefined): void {
    const { indent } = line
    const hasCompany = this.#hasCompany(at)
    const isEven = indent % 2 === 0
    if (outer !== undefined && this.#isOuterOdd(outer, line, hasCompany, inner)) {
      this.#suspect(indentation(outer.last, indent), line)
    } else if (
      (hasCompany && (inner.lines === 1 || inner.first.opens)) ||
      (isEven && inner.lines === 1 && inner.indent % 2 === 1)
    ) {
      this.#suspect(indentation(inner.first, indent), line)
    } else {
      const isParent = line.opens && this.#lines[at + 1]?.indent === inner.indent
      this.#suspect(indentation(line, isParent && outer !== undefined ? outer.indent : inner.indent), line)
    }
  }

  /** Whether the last line of the section that is left should stand beside this one, above what ended. */
  #isOuterOdd(outer: Level, { indent }: StatedLine, hasCompany: boolean, inner: Level): boolean {
    const { ended, last, lines } = outer
    if (hasCompany && this.#belowEmpty.has(last)) return true
    if (inner.lines === 1) return false
    if (hasCompany && ended.includes(indent) && !last.hasGap) return true
    const isAlone = lines === 1 && this.#levels.length > 1
    return isAlone && (hasCompany || (indent % 2 === 0 && outer.indent % 2 === 1))
  }

  #noKey({ indent, lacksSpace, number }: StatedLine): void {
    const message = lacksSpace
      ? `Line ${number} has no space behind its colon.`
      : `Line ${number} is no key with a value, and no item of a list.`
    const fix = 'Write `key: value`, with a space behind the colon, or `- item`.'
    this.#suspect({ line: number, column: indent + 1, message, fix }, { number })
  }

  #suspect(fault: YamlFault, { number }: Pick<StatedLine, 'number'>): void {
    this.suspects.push({ fault, from: this.#earlier, to: number + 1 })
  }

  /** Whether another line of the same column follows before a lesser one. */
  #hasCompany(at: number): boolean {
    const line = this.#lines[at]
    const next = this.#lines[at + 1]
    if (line === undefined || (line.opens && next?.form === 'key' && next.indent === line.indent))
      return false
    const ahead = this.#lines.slice(at + 1, at + 1 + LOOK_AHEAD)
    return ahead.find(({ indent }) => indent <= line.indent)?.indent === line.indent
  }

  /** One more line of the innermost section. */
  #count(line: StatedLine): void {
    const top = this.#levels.at(-1)
    if (top === undefined) return
    top.last = line
    top.lines += 1
    top.ended = this.#ended
  }

  #open(line: StatedLine, columns: readonly number[]): void {
    for (const indent of columns) this.#levels.push({ indent, first: line, last: line, lines: 1, ended: [] })
  }
}

/** What a parser's own code means, where the lines show nothing. Its messages are not passed on: some repeat the text. */
const PARSER_WORDS: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  TAB_AS_INDENT: ['A tab stands where spaces must.', 'Put spaces in the place of the tab.'],
  BAD_INDENT: [
    'What stands here is indented less than what it belongs to.',
    'Indent it more than the line that it continues.',
  ],
  BLOCK_AS_IMPLICIT_KEY: [
    'A second `key: value` stands behind the first one.',
    'Write each key on a line of its own; put a text that holds a colon in quotation marks.',
  ],
  MULTILINE_IMPLICIT_KEY: ['A key goes over more than one line.', 'Write `key: value` on one line.'],
  BLOCK_IN_FLOW: [
    'Within brackets two things are not parted.',
    'Put a comma between them: `{ key: value, key: value }` or `[item, item]`.',
  ],
  BAD_SCALAR_START: ['A text may not begin with this character.', 'Put the whole text in quotation marks.'],
  BAD_DQ_ESCAPE: [
    'A backslash in double quotation marks begins something that is not known.',
    'Write two backslashes, or use single quotation marks.',
  ],
  MISSING_CHAR: [
    'A comma, a closing bracket, a closing quotation mark or a space is missing here.',
    'Put in what is missing; of two things in brackets a comma stands between.',
  ],
}

const UNREADABLE = [
  'What stands here cannot be read.',
  'Look for a stray comma, bracket or quotation mark here; put a text with `: `, ` #` or brackets in quotation marks.',
] as const

/** What the parser says at its own place, in plain words. @param code of the yaml library */
export function parserWords(code: string): readonly [message: string, fix: string] {
  return PARSER_WORDS[code] ?? UNREADABLE
}

/**
 * The fault of a text that a parser refused, as its lines show it; null where they do not.
 * @param noticedAt the line, 1-based, at which the parser noticed it
 */
export function yamlFault(text: string, noticedAt: number): YamlFault | null {
  const { faults, stated } = seeLines(text)
  const sections = new Sections(stated)
  for (const [at, line] of stated.entries()) sections.take(line, at)
  const alone = faults.map((fault): Suspect => {
    // What stays open is noticed where it comes to its end, which may be that of the file.
    const to = fault.of === 'tab' ? fault.line + 1 : Number.POSITIVE_INFINITY
    return { fault: lone(fault), from: fault.below, to }
  })
  const suspects = [...alone, ...sections.suspects].filter(
    ({ from, to }) => from <= noticedAt && noticedAt <= to,
  )
  return suspects.toSorted((a, b) => a.fault.line - b.fault.line)[0]?.fault ?? null
}
