/** Records as people read them: from a row's tail to an object of its columns, as JSON text. */
import { rfc3339, type Stream } from '@tacit/contracts'
import { recordColumns, type Rulebook, streamPlans } from '@tacit/rulebook'

/** Columns of which a record shows the moment as RFC 3339. */
const TIMES: ReadonlySet<string> = new Set(['received', 'hour'])
const MAX_MOMENTS = 1_000

interface NamedColumn {
  /** `,"name":` */
  readonly key: string
  readonly isTime: boolean
}

/** The JSON tokens of a tail: numbers and strings, without white space, up to `]`. */
function tokensOf(tail: string): readonly string[] {
  const tokens: string[] = []
  let start = 0
  for (let at = 0; at < tail.length; at++) {
    const code = tail.charCodeAt(at)
    if (code === 0x22) {
      do at = tail.indexOf('"', at + 1)
      while (isEscaped(tail, at))
    } else if (code === 0x2c || code === 0x5d) {
      tokens.push(tail.slice(start, at))
      start = at + 1
    }
  }
  return tokens
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

export class RecordTexts {
  readonly #columns: ReadonlyMap<Stream, readonly NamedColumn[]>
  readonly #moments = new Map<string, string>()

  constructor(rulebook: Rulebook) {
    this.#columns = new Map(
      streamPlans(rulebook).map(({ dimensions, stream }) => [
        stream,
        [...recordColumns(stream).map(({ name }) => name), ...dimensions].map((name) => ({
          key: `,${JSON.stringify(name)}:`,
          isTime: TIMES.has(name),
        })),
      ]),
    )
  }

  /** `{"stream":…,…}`: the columns that are not empty. */
  text(stream: Stream, tail: string): string {
    const columns = this.#columns.get(stream) ?? []
    const tokens = tokensOf(tail)
    let text = `{"stream":"${stream}"`
    for (let at = 0; at < columns.length; at++) {
      const token = tokens[at]
      if (token === undefined || token === '""') continue
      const { isTime, key } = columns[at] as NamedColumn
      text += key + (isTime ? this.#moment(token) : token)
    }
    return `${text}}`
  }

  #moment(token: string): string {
    let moment = this.#moments.get(token)
    if (moment === undefined) {
      moment = JSON.stringify(rfc3339(Number(token) * 1000))
      if (this.#moments.size >= MAX_MOMENTS) this.#moments.clear()
      this.#moments.set(token, moment)
    }
    return moment
  }
}
