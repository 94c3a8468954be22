/** The country database, opened once a process, and only where a rule asks for a country. */
import type { CompileOptions, UserAgentReader } from '@tacit/anonymizer'
import type { Clock } from '@tacit/contracts'
import { type Countries, openCountries } from '@tacit/countries'
import type { Rulebook } from '@tacit/rulebook'

let opened: Countries | undefined

/** What a rulebook's compilation needs of it; undefined where no rule says `then: country`. */
export function countriesFor(rulebook: Rulebook): Countries | undefined {
  const rule = rulebook.fields['client_ip']
  if (rule?.do !== 'truncate' || rule.keeps !== 'country') return undefined
  opened ??= openCountries()
  return opened
}

/** Options of a compilation with the country database, where the rulebook asks for it. */
export function compileOptions(rulebook: Rulebook, agents: UserAgentReader, clock: Clock): CompileOptions {
  const countries = countriesFor(rulebook)
  return { agents, clock, ...(countries === undefined ? {} : { countries }) }
}
