/** For tests: where a process that releases ends itself. */
import type { ServerAddress } from '@tacit/warehouse'

/** `before` or `after` the n-th call of a name; `during`: once it was sent. */
export interface KillPoint {
  readonly when: 'before' | 'during' | 'after'
  readonly call: string
  readonly nth?: number
}

export interface ReleaseProcess {
  readonly dir: string
  readonly server: { readonly address: ServerAddress }
  readonly database: string
  /** ms: where the clock stands */
  readonly now: number
  readonly point: KillPoint
}
