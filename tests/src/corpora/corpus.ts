/** A corpus: cases made from a seed, each with the raw values that must be found in no output. */

/** One case of `rules try`: the request and, in a token's place, its claims. */
export interface TryInput {
  readonly ip: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: unknown
  readonly claims?: Readonly<Record<string, unknown>>
  readonly state?: Readonly<Record<string, boolean>>
}

export interface CorpusCase {
  /** says what is special about it, for a failing test */
  readonly name: string
  readonly input: TryInput
  /** values that entered and must leave in no form: long enough not to occur by chance */
  readonly raw: readonly string[]
  /** time of receipt, RFC 3339; the corpus's own by default */
  readonly now?: string
}
