/** The rules that a published number has passed, in words, as the rulebook declares them. Pure. */
import type { Rulebook } from '@tacit/rulebook'

export interface ThresholdWords {
  /** the rulebook's own name for it */
  readonly rule: string
  readonly words: string
}

const percent = (share: number): string => `${String(Math.round(share * 1_000) / 10)} %`

/** What holds of everything that was published of this site. */
export function passedThresholds({ release, sites }: Rulebook, site: string): readonly ThresholdWords[] {
  const { maxEventsPerPerson, maxPersonShare, maxShare, minNetworks, minTenants, minUsers } = release
  const common = [
    {
      rule: 'max_person_share',
      words: `no person has more than ${percent(maxPersonShare)} of the events; where one has, people alone are published`,
    },
    {
      rule: 'max_events_per_person',
      words: `of one person at most ${String(maxEventsPerPerson)} events a day count`,
    },
  ]
  if (sites[site]?.identity === 'network') {
    return [
      { rule: 'min_users', words: `at least ${String(minUsers)} people` },
      { rule: 'min_networks', words: `from at least ${String(minNetworks)} different networks` },
      ...common,
    ]
  }
  return [
    { rule: 'min_users', words: `at least ${String(minUsers)} people, also without the largest tenant` },
    {
      rule: 'min_tenants',
      words: `of at least ${String(minTenants)} tenants, also without the largest: so ${String(minTenants + 1)}`,
    },
    {
      rule: 'max_share',
      words: `no tenant has more than ${percent(maxShare)} of the people or of the events`,
    },
    ...common,
  ]
}

/** Why a group may be published nowhere: every rule there is, never which one it was. */
export function tooFewWords({ release, sites }: Rulebook, site: string): string {
  const { maxShare, minNetworks, minTenants, minUsers } = release
  if (sites[site]?.identity === 'network')
    return `nobody, fewer than ${String(minUsers)} people, or people of fewer than ${String(minNetworks)} networks`
  return (
    `nobody, fewer than ${String(minUsers)} people with or without the largest tenant, ` +
    `fewer than ${String(minTenants + 1)} tenants, or one tenant with more than ${percent(maxShare)} of people or events`
  )
}
