/**
 * Forms of JSON values, each as the regular expression of its canonical text (RFC 8785): a value has a form when the
 * expression takes its text, and a text that it takes is canonical. So a line is checked by looking at it once, without
 * building what it says. All are printable ASCII without escapes, and every part has an end of its own, so that a text
 * can be read in one way only.
 */
export interface Form<T> {
  /** a source for `RegExp`, without anchors */
  readonly pattern: string
  /** only for the compiler: what a value of the form is */
  readonly type?: T
}

/** One of the words, of letters, digits and `_` only. */
export function oneOf<const W extends readonly string[]>(...words: W): Form<W[number]> {
  return { pattern: `"(?:${words.join('|')})"` }
}

/** A text, by the expression of what stands between its quotes. */
export function text(pattern: RegExp): Form<string> {
  return { pattern: `"(?:${pattern.source})"` }
}

/** A whole number of at most 15 digits, which a double holds exactly. */
export const NATURAL: Form<number> = { pattern: String.raw`(?:0|[1-9]\d{0,14})` }

export function nullable<T>(form: Form<T>): Form<T | null> {
  return { pattern: `(?:null|${form.pattern})` }
}

/** A list of one to `most`. */
export function listOf<T>({ pattern }: Form<T>, most: number): Form<readonly T[]> {
  return { pattern: String.raw`\[${pattern}(?:,${pattern}){0,${String(most - 1)}}\]` }
}

/** What an object of these members is. */
export type Shape<M extends Readonly<Record<string, Form<unknown>>>> = {
  readonly [Name in keyof M]: M[Name] extends Form<infer T> ? T : never
}

/** An object with exactly these members, of names in ASCII. */
export function objectOf<M extends Readonly<Record<string, Form<unknown>>>>(members: M): Form<Shape<M>> {
  const names = Object.keys(members).sort()
  return { pattern: `\\{${names.map((name) => `"${name}":${members[name]?.pattern ?? ''}`).join(',')}\\}` }
}
