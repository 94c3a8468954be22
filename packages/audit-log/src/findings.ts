/** What a verification can find, and a bounded list of it. */

export type FindingCode =
  /** a line is not exactly the canonical line of an entry */
  | 'line'
  /** the file ends in the middle of a line */
  | 'unfinished'
  /** a number is not the one after the number before */
  | 'sequence'
  /** a time is earlier than the one before */
  | 'time'
  /** an action, or its object, is not one of the list */
  | 'action'
  /** a head is not exactly the canonical line of one */
  | 'head'
  /** a head is of another key */
  | 'head_key'
  /** a head is not signed by the key */
  | 'head_signature'
  /** a head of heads.ndjson covers less than the one before */
  | 'head_order'
  /** fewer entries are there than a head covers */
  | 'dropped_tail'
  /** the entries are not those that a head covers */
  | 'root'
  /** there are entries, and no valid head covers any, or none that goes on for longer than heads are apart */
  | 'unsigned'
  /** there is not one entry */
  | 'empty'
  /** a key was made twice */
  | 'key_twice'
  /** the steps of a key's life are not in the order that they must have, or one is missing */
  | 'key_order'
  /** a key was destroyed after its deadline */
  | 'key_late'
  /** a key lives after its deadline */
  | 'key_living'
  /** there was more to say than a list has room for */
  | 'more'

export interface Finding {
  readonly code: FindingCode
  /** the entry; the size, where it is about a head */
  readonly seq?: number
  /** one sentence, without anything from the entry but its place and the id of its key */
  readonly text: string
}

const MAX_FINDINGS = 100

export class Findings {
  readonly #list: Finding[] = []
  #more = 0

  add(code: FindingCode, text: string, seq?: number): void {
    if (this.#list.length >= MAX_FINDINGS) this.#more += 1
    else this.#list.push(seq === undefined ? { code, text } : { code, seq, text })
  }

  list(): readonly Finding[] {
    if (this.#more === 0) return this.#list
    return [...this.#list, { code: 'more', text: `There are ${String(this.#more)} findings more.` }]
  }
}
