/** Who writes the log, and until when each of them is done: from its marks (marks.ts), or from watermarks where one writes alone. */
import { doneUntil, lastHeard, withMark, type WriterMarks } from './marks.js'
import type { AppliedBatch } from './records.js'
import type { StateStore } from './state-store.js'

/** A writer that did not say that an hour is over. */
export interface SilentWriter {
  readonly writer: string
  /** ms, the latest hour that it spoke of */
  readonly heard: number
}

export class Writers {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /**
   * Hour (ms) before which no batch follows, of any writer that is waited for; 0 before the first watermark, Infinity where
   * every writer has stopped.
   */
  get watermark(): number {
    const marks = this.#marks()
    if (marks.length === 0) return (this.#store.get('watermark') as number | undefined) ?? 0
    return Math.min(...marks.map(({ known }) => doneUntil(known)))
  }

  /** Writers that did not say that everything before `hour` (ms) is there. */
  silent(hour: number): readonly SilentWriter[] {
    return this.#marks()
      .filter(({ known }) => doneUntil(known) < hour)
      .map(({ known, writer }) => ({ writer, heard: lastHeard(known) }))
  }

  /** Takes in what a watermark says: each copy of a mark, for there is one in each part. Within a transaction. */
  apply({ header, part }: AppliedBatch): void {
    const { hour, mark, watermark } = header
    if (watermark !== true) return
    if (mark === undefined) return this.complete(hour)
    const key = ['mark', mark.writer]
    const known = this.#store.get(key) as WriterMarks | undefined
    const next = withMark(known, header, mark, part)
    if (next !== known) this.#store.put(key, next)
  }

  /** Nothing before `hour` (ms) follows, where one writes alone. Within a transaction. */
  complete(hour: number): void {
    if (hour > this.watermark) this.#store.put('watermark', hour)
  }

  /** Within a transaction. */
  remove(writer: string): void {
    this.#store.remove(['mark', writer])
  }

  #marks(): { readonly writer: string; readonly known: WriterMarks }[] {
    return this.#store
      .range(['mark', ''], ['mark', '\uffff'])
      .map(({ key, value }) => ({ writer: (key as string[])[1] as string, known: value as WriterMarks }))
  }
}
