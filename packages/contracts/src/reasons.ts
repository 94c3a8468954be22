/** The closed list of reasons for which an event is dropped, and how people's choices are folded into one. */
export const CHOICE_REASONS = [
  'consent.denied',
  'consent.unknown',
  'consent.withdrawn',
  'consent.stale_policy',
  'consent.expired',
  'consent.future',
  'consent.malformed',
  'signal.gpc',
  'signal.dnt',
  'objected',
  'tenant_opted_out',
  'account_closed',
  'not_adult',
  'wrong_region',
] as const

export const TECHNICAL_REASONS = [
  'token.missing',
  'token.expired',
  'token.forged',
  'token.wrong_audience',
  'token.replayed',
  'wrong_origin',
  'no_origin',
  'unknown_site',
  'event.unknown',
  'late',
  'bot',
  'rate',
  'key_missing',
  'rule_failed',
  'expired',
] as const

/** Reasons that only `tacit import` knows. */
export const LINE_REASONS = [
  'line.unparsable',
  'line.method',
  'line.status',
  'line.asset',
  'line.future',
] as const

export type Reason =
  | (typeof CHOICE_REASONS)[number]
  | (typeof TECHNICAL_REASONS)[number]
  | (typeof LINE_REASONS)[number]
  | `pii.${string}`

const choices: ReadonlySet<string> = new Set(CHOICE_REASONS)

/** A person's choice (consent, signals, objection, account, age, region), as opposed to a technical reason. */
export function isChoice(reason: string): boolean {
  return choices.has(reason)
}

/** The name under which a reason is shown per hour: all choices are one `refused`. */
export function shownReason(reason: string): string {
  return choices.has(reason) ? 'refused' : reason
}
