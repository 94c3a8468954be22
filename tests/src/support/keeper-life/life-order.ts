/** What a parent tells a life, and what a life tells its parent: one line of JSON each; and what both know. */
import { DAY } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import type { KillAt, Point } from './dying-files.js'

/** Of each tenant: `p-0`, `p-1` … */
export const PEOPLE = 6

/** Every fifth day's counts are said not to add up. @param dayStart ms */
export function addsUp(dayStart: number): boolean {
  return (dayStart / DAY) % 5 !== 2
}

export interface LifeOrder {
  readonly dir: string
  /** ms, by the driven clock: it begins here, at a whole minute … */
  readonly from: number
  /** … and ends itself well here, unless it was killed before */
  readonly until: number
  /** ms from one check of what is due to the next */
  readonly checkMs: number
  /** ms from one round of beacons to the next, a divisor of an hour; null: none are sent */
  readonly beaconMs: number | null
  readonly killAt: KillAt | null
}

/** A row of a sealed batch, by its epoch's label and its pseudonyms. */
export type StoredRow = readonly [epoch: string, tenant: string, person: string]

/** `at`: ms, by the keeper's clock. */
export type Report = { readonly at: number } & (
  | { readonly r: 'opened'; readonly lost: readonly string[]; readonly failed: readonly string[] }
  | { readonly r: 'tick'; readonly lost: readonly string[]; readonly failed: readonly string[] }
  /** an answer of the keeper; `key` in hexadecimal where it is open */
  | {
      readonly r: 'key'
      readonly epoch: string
      readonly scope: KeyScope
      readonly state: string
      readonly key?: string
    }
  | { readonly r: 'hour'; readonly hour: number; readonly producer: string; readonly key: string | null }
  | { readonly r: 'sent' | 'acked'; readonly tenant: string; readonly person: string; readonly time: number }
  /** a batch found in the log; null: it could not be opened any more */
  | {
      readonly r: 'batch'
      readonly position: number
      readonly hour: number
      readonly rows: readonly StoredRow[] | null
      readonly late: number
    }
  /** the keeper took it that the counts of an epoch do not add up */
  | { readonly r: 'mismatch'; readonly epoch: string }
  /** it is about to end itself by SIGKILL */
  | { readonly r: 'reached'; readonly point: Point; readonly name: string | null }
  | { readonly r: 'ended' }
)
