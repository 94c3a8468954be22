/** Whose data is read, on which basis, and who is left out. */
import type { RefuseSignal, Rulebook, Site } from '../types.js'
import { type Block, list, table, text } from './document.js'
import { codes, counted, sentence } from './words.js'

const REFUSALS: Readonly<Record<RefuseSignal, string>> = {
  gpc: 'the browser sends Global Privacy Control',
  dnt: 'the browser sends Do Not Track',
  objected: 'the person has objected',
  tenant_opted_out: 'the person’s company has opted out',
  account_closed: 'the account is closed',
  not_adult: 'the token does not say that the person is an adult',
  wrong_region: 'the token names another region, or none',
}

const whose = (site: Site): string =>
  site.identity === 'signed' ? 'People who are signed in' : 'Visitors without an account, counted as devices'

const basis = (site: Site): string =>
  site.lawfulBasis === 'consent'
    ? 'Consent. Only a clear yes counts, as the ERP’s signed token states it.'
    : 'Measuring one’s own audience, which needs no consent (the exemption for audience measurement).'

function consentText(rulebook: Rulebook): string {
  const { policy, purpose } = rulebook
  return `Consent is a yes to analytics, given to the policy of ${policy.version} itself, not more than ${counted(purpose.maxConsentAgeMonths, 'month')} ago. An answer that is unknown, unreadable, older or ahead of its time is a no. What the page says besides can only turn a yes into a no.`
}

/** What a line of a web server's log cannot say. */
function logText(rulebook: Rulebook, exempt: readonly Site[]): string {
  if (exempt.length === 0)
    return 'A line of a web server’s log is never counted here: it does not say what people answered.'
  const assets =
    rulebook.assets === 'count'
      ? 'Images, styles and scripts are counted like pages.'
      : 'Images, styles and scripts are left out.'
  return `Lines of a web server’s log can be counted too, as visits of ${codes(exempt.map(({ id }) => id))}. Such a line does not record what the browser or the person refused, so there these refusals cannot be seen. ${assets}`
}

export function siteBlocks(rulebook: Rulebook): readonly Block[] {
  const sites = Object.values(rulebook.sites)
  const rows = sites.map((site) => [site.id, codes(site.origins), whose(site), basis(site), site.region])
  const exempt = sites.filter(({ lawfulBasis }) => lawfulBasis === 'exempt-measurement')
  const crawlers =
    rulebook.bots === 'drop'
      ? 'Crawlers that say so are not counted.'
      : 'Crawlers are counted like anybody else, even those that say what they are.'
  return [
    table(['Site', 'Its pages', 'Whose data', 'On which basis', 'Region'], rows),
    ...(exempt.length < sites.length ? [text(consentText(rulebook))] : []),
    text('Nothing of an event is kept where:'),
    list([...rulebook.purpose.refuseWhen].map((signal) => sentence(`${REFUSALS[signal]}.`))),
    text(
      `Nobody can tell from the answer whether something was kept: it is the same for yes and no. ${crawlers}`,
    ),
    text(logText(rulebook, exempt)),
  ]
}
