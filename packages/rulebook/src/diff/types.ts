/** What differs between two rulebooks, each change by what it does to people. */

/** `tighten`: less is collected, kept or published; `loosen`: more; `neutral`: neither. */
export type ChangeClass = 'tighten' | 'neutral' | 'loosen'

export interface Change {
  /** keys from the root: `fields.client_ip.ipv4` */
  readonly path: string
  readonly class: ChangeClass
  /** as written, shortened; null where there was nothing */
  readonly from: string | null
  readonly to: string | null
  /** what it means, one sentence */
  readonly says: string
}

/** Why a loosening change may not take effect when it says. */
export interface DiffRefusal {
  readonly code: 'RULE_LOOSEN_NOTICE'
  readonly message: string
  /** the first UTC day on which it may, `2026-12-01`; null where no notice is stated */
  readonly earliest: string | null
}

export interface RulebookDiff {
  /** of the whole: its worst change; neutral where there is none */
  readonly class: ChangeClass
  readonly changes: readonly Change[]
  readonly refusal: DiffRefusal | null
}

export type Say = (path: string, kind: ChangeClass, from: unknown, to: unknown, says: string) => void

/** `2026-11-01`. @param time ms */
export const utcDate = (time: number): string => new Date(time).toISOString().slice(0, 10)
