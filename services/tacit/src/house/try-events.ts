/** What became of each event of one beacon: its records as people read them, or why there are none. */
import type { Detection, RecordSink } from '@tacit/anonymizer'
import type { Reason, Stream } from '@tacit/contracts'

export type TryRecord = Readonly<Record<string, string | number>>

/** What became of one event. */
export interface EventOutcome {
  /** null where it was accepted */
  readonly reason: Reason | null
  /** where a detector found something, or null */
  readonly detection: Detection | null
  readonly records: readonly TryRecord[]
}

/** Exactly one `accepted` or `dropped` is told for each event, after its rows. */
export class EventSink implements RecordSink {
  readonly outcomes: EventOutcome[] = []
  readonly #textOf: (stream: Stream, tail: string) => string
  #records: TryRecord[] = []
  #detection: Detection | null = null

  constructor(textOf: (stream: Stream, tail: string) => string) {
    this.#textOf = textOf
  }

  row(stream: Stream, _epoch: string, tail: string): void {
    this.#records.push(JSON.parse(this.#textOf(stream, tail)) as TryRecord)
  }

  accepted(): void {
    this.#next(null)
  }

  dropped(_hour: number, reason: Reason): void {
    this.#next(reason)
  }

  removedProps(): void {}

  detected(detector: Detection['detector'], field: string): void {
    this.#detection = { detector, field }
  }

  #next(reason: Reason | null): void {
    this.outcomes.push({ reason, detection: this.#detection, records: this.#records })
    this.#records = []
    this.#detection = null
  }
}
