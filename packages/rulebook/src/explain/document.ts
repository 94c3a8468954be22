/** A page of plain words: what `rules explain` writes as Markdown, HTML or JSON. */

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | {
      readonly type: 'table'
      readonly head: readonly string[]
      readonly rows: readonly (readonly string[])[]
    }

export interface Section {
  readonly id: string
  readonly title: string
  readonly blocks: readonly Block[]
}

export interface Explanation {
  readonly title: string
  readonly rulebook: string
  readonly version: string
  /** SHA-256 of the rulebook and its catalogues */
  readonly hash: string
  readonly sections: readonly Section[]
}

export const text = (words: string): Block => ({ type: 'text', text: words })
export const list = (items: readonly string[]): Block => ({ type: 'list', items })
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Block => ({
  type: 'table',
  head,
  rows,
})
