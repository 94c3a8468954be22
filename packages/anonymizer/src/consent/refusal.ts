/** What a framework's string says against analytics; null says nothing against it, and never anything for it. */
import type { Reason } from '@tacit/contracts'

export type Refusal = Extract<Reason, `consent.${string}` | 'signal.gpc'> | null
