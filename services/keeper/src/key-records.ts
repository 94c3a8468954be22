/**
 * What became of every root, and who took over, as the entries of the audit log tell it one by one: the keeper's own, or
 * those that a standby copies. Key material never comes near it.
 */
import type { AuditEntry, AuditObject } from '@tacit/audit-log'
import type { KeyRecord } from './keeper-service.js'

/** Why a root was destroyed. */
export type Why = 'schedule' | 'settled' | 'lost' | 'closed_account'

/** One step in the life of a root. `key`: its id, see {@link KeyRecord}. */
export type KeyEvent =
  | {
      readonly step: 'created' | 'closed' | 'destroying' | 'withheld'
      readonly key: string
    }
  /** `by`: who says so of its counts */
  | { readonly step: 'held' | 'reconciled'; readonly key: string; readonly by: string }
  | { readonly step: 'handed'; readonly key: string; readonly to: string }
  | { readonly step: 'destroyed'; readonly key: string; readonly why: Why }

/** Who said of counts that they do not add up, where an earlier build put it on record without a name: anybody takes it back. */
export const UNNAMED = 'keeper'

interface MutableRecord extends Omit<KeyRecord, 'handedTo' | 'entries'> {
  destroyed: string | null
  state: KeyRecord['state']
  reconciled: boolean | null
  readonly handedTo: string[]
  readonly entries: { readonly created: number; destroyed: number | null }
}

/** `day`, `tenant` …: what stands before the colon of an id. */
export function streamOf(key: string): KeyRecord['stream'] {
  return key.slice(0, key.indexOf(':')) as KeyRecord['stream']
}

export const hasEpoch = (key: string): boolean => !/^(?:tenant|site):/.test(key)

/** A standby that became the primary. */
interface Takeover {
  /** its entry's number */
  readonly seq: number
  readonly term: number
  /** whether the former primary had stopped in order, with nothing done that is not on record before */
  readonly handedOver: boolean
}

export class KeyRecords {
  readonly #records = new Map<string, MutableRecord>()
  /** ids of roots that must never be made here */
  readonly #withheld = new Set<string>()
  /** ids of roots whose destruction began, finished or not */
  readonly #doomed = new Set<string>()
  /** id of a living root → who says that the counts under it do not add up */
  readonly #objectors = new Map<string, Set<string>>()
  /** id of a living root → `at` of what was last told of it */
  readonly #lastAt = new Map<string, string>()
  readonly #takeovers: Takeover[] = []

  /** Every root that ever was, oldest first. */
  list(): readonly KeyRecord[] {
    return [...this.#records.values()]
  }

  of(key: string): KeyRecord | undefined {
    return this.#records.get(key)
  }

  /** Who says that the counts under a living root do not add up, and has not taken it back. */
  objectorsTo(key: string): readonly string[] {
    return [...(this.#objectors.get(key) ?? [])]
  }

  /** When the last that is on record of a living root was, RFC 3339; empty where nothing is. */
  lastAt(key: string): string {
    return this.#lastAt.get(key) ?? ''
  }

  isWithheld(key: string): boolean {
    return this.#withheld.has(key)
  }

  /** Whether its root may no longer be anywhere. */
  isDoomed(key: string): boolean {
    return this.#doomed.has(key)
  }

  /** The highest term on record; 0 before the first takeover. */
  get term(): number {
    return Math.max(0, ...this.#takeovers.map(({ term }) => term))
  }

  /**
   * Whether keys of an epoch may not be derived for a tenant or site: the epoch is from before a takeover and the scope's
   * root from after it, so the lost keeper may have made that scope a root of its own, and handed out another key.
   * @param epoch @param scope ids; a scope that is not on record yet is the newest of all
   */
  isBarred(epoch: string, scope: string): boolean {
    const epochSeq = this.#records.get(epoch)?.entries.created ?? Number.POSITIVE_INFINITY
    const scopeSeq = this.#records.get(scope)?.entries.created ?? Number.POSITIVE_INFINITY
    return this.#takeovers.some(({ handedOver, seq }) => !handedOver && epochSeq < seq && seq < scopeSeq)
  }

  /** Takes an entry into the records. @returns the step it tells of; null where it is none of a key's */
  take({ action, actor, object, seq }: AuditEntry): KeyEvent | null {
    if (action === 'keeper.takeover') {
      const { handed_over, term } = object as AuditObject<'keeper.takeover'>
      this.#takeovers.push({ seq, term, handedOver: handed_over === 'yes' })
    }
    if (!action.startsWith('key.')) return null
    const { at, key } = object as { readonly at: string; readonly key: string }
    if (action === 'key.destroyed') this.#lastAt.delete(key)
    else if (action !== 'key.withheld') this.#lastAt.set(key, at)
    if (action === 'key.created') {
      this.#records.set(key, {
        id: key,
        stream: streamOf(key),
        epoch: hasEpoch(key) ? key : null,
        created: at,
        destroyed: null,
        state: 'open',
        handedTo: [],
        entries: { created: seq, destroyed: null },
        reconciled: null,
      })
      return { step: 'created', key }
    }
    if (action === 'key.withheld') {
      this.#withheld.add(key)
      return { step: 'withheld', key }
    }
    const record = this.#records.get(key)
    switch (action) {
      case 'key.handed': {
        const { to } = object as { readonly to: string }
        record?.handedTo.push(to)
        return { step: 'handed', key, to }
      }
      case 'key.destroyed': {
        if (record !== undefined) {
          record.state = 'destroyed'
          record.destroyed = at
          record.entries.destroyed = seq
        }
        this.#objectors.delete(key)
        return { step: 'destroyed', key, why: (object as { readonly why: Why }).why }
      }
      case 'key.closed':
      case 'key.destroying':
        if (record !== undefined) record.state = 'closed'
        if (action === 'key.destroying') this.#doomed.add(key)
        return { step: action === 'key.closed' ? 'closed' : 'destroying', key }
      case 'key.held':
      case 'key.reconciled': {
        const step = action === 'key.held' ? 'held' : 'reconciled'
        const objectors = this.#objectors.get(key) ?? new Set()
        if (step === 'held') objectors.add(actor)
        else for (const by of [actor, UNNAMED]) objectors.delete(by)
        this.#objectors.set(key, objectors)
        if (record !== undefined) record.reconciled = objectors.size === 0
        return { step, key, by: actor }
      }
      default:
        return null
    }
  }
}

/** Every root that a log's entries tell of, oldest first. @param entries all of them, in order */
export function keyRecordsOf(entries: Iterable<AuditEntry>): readonly KeyRecord[] {
  const records = new KeyRecords()
  for (const entry of entries) records.take(entry)
  return records.list()
}
