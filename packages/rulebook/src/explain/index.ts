/**
 * A rulebook in plain English, for whoever signs it and for whom it protects. Every sentence is made from the rules;
 * nothing is written by hand for one rulebook.
 */
import type { Detector, Rulebook, Site } from '../types.js'
import { clauseBlocks } from './clauses.js'
import { type Block, type Explanation, list, type Section, table, text } from './document.js'
import { fieldBlocks } from './fields.js'
import { statisticBlocks } from './statistics.js'
import { storeBlocks } from './stores.js'
import { counted, day, duration, listed, sentence } from './words.js'

export type { Explanation } from './document.js'

const REFUSALS: Readonly<Record<string, string>> = {
  gpc: 'the browser sends Global Privacy Control',
  dnt: 'the browser sends Do Not Track',
  objected: 'the person has objected',
  tenant_opted_out: 'the person’s company has opted out',
  account_closed: 'the account is closed',
  not_adult: 'the token does not say that the person is an adult',
  wrong_region: 'the person belongs to another region',
}

const DETECTED: Readonly<Record<Detector, string>> = {
  email: 'e-mail addresses',
  upi: 'UPI payment ids',
  phone_in: 'Indian mobile numbers',
  pan: 'income tax numbers (PAN)',
  tan: 'tax deduction numbers (TAN)',
  gstin: 'goods and services tax numbers (GSTIN)',
  cin: 'company numbers (CIN)',
  aadhaar: 'Aadhaar numbers',
  voter_id: 'voter’s ids',
  passport: 'passport numbers',
  ifsc: 'bank branch codes (IFSC)',
  iban: 'international account numbers (IBAN)',
  card: 'card numbers',
  jwt: 'sign-in tokens (JWT)',
  random_token: 'long random codes',
}

function summary(rulebook: Rulebook): readonly Block[] {
  const { destroyKeyAfterMs } = rulebook.epochs
  return [
    text(
      `We count how our pages and features are used, for one purpose: \`${rulebook.purpose.id}\`. ` +
        `We publish only numbers about many people at once, ${counted(rulebook.statistics.length, 'statistic')} that are all listed here. ` +
        `Who a record belongs to can be told for a few days and by machines only: the key of a day is destroyed ${duration(destroyKeyAfterMs)} after the day, and with it the link to anybody.`,
    ),
    text(
      `These rules hold from ${day(rulebook.effective)} until the day before ${day(rulebook.expires)}. Then they must be looked at again, or nothing is collected any more.` +
        (rulebook.noticeAt === null ? '' : ` People were told of them on ${day(rulebook.noticeAt)}.`),
    ),
  ]
}

function whose(site: Site): string {
  return site.identity === 'signed'
    ? 'People who are signed in. Who they are, and that they agreed, is stated by the ERP in a signed token of at most 15 minutes.'
    : 'Devices of visitors without an account. A device is its internet address and its browser’s description, put together in memory under a key of the day, and kept nowhere.'
}

function basis(site: Site): string {
  return site.lawfulBasis === 'consent'
    ? 'Consent. Only a clear yes counts.'
    : 'Measuring one’s own audience, which needs no consent (the exemption for audience measurement).'
}

function siteBlocks(rulebook: Rulebook): readonly Block[] {
  const sites = Object.values(rulebook.sites)
  const rows = sites.map((site) => [
    site.id,
    sentence(listed(site.origins.map((origin) => `\`${origin}\``))),
    whose(site),
    basis(site),
    site.region,
  ])
  const consent = sites.some(({ lawfulBasis }) => lawfulBasis === 'consent')
  return [
    table(['Site', 'Its pages', 'Whose data', 'On which basis', 'Region'], rows),
    ...(consent
      ? [
          text(
            `Consent is a yes to analytics, given to the policy of ${rulebook.policy.version} itself, not more than ${counted(rulebook.purpose.maxConsentAgeMonths, 'month')} ago. An unknown, unreadable, older or future answer is a no. What the page says besides can only turn a yes into a no.`,
          ),
        ]
      : []),
    text('Nothing is kept at all where:'),
    list([...rulebook.purpose.refuseWhen].map((signal) => sentence(`${REFUSALS[signal] ?? signal}.`))),
    text(
      'Nobody can tell from the answer whether something was kept: it is the same for yes and no.' +
        (rulebook.bots === 'drop'
          ? ' Programs that say they are one are not counted.'
          : ' Programs that say they are one are counted like anybody else.'),
    ),
  ]
}

function scanBlocks(rulebook: Rulebook): readonly Block[] {
  if (rulebook.scan === null) {
    return [
      text('These rules do not search texts for personal details; the lists above are what keeps them out.'),
    ]
  }
  return [
    text(
      'Pages sometimes put personal details where they do not belong. Every text of an event is searched, names of things as well as their values, also where it is written in another script or encoding. One find, and the whole event is dropped. What was found is counted by its kind and kept nowhere. We look for:',
    ),
    list(rulebook.scan.detectors.map((detector) => sentence(DETECTED[detector]))),
  ]
}

const LIMITS: readonly string[] = [
  'Somebody who knows all but one of the people in a number, and what each of them did, can work out the last one.',
  'Where the same closed group is counted day after day, a change of a step says that somebody came or went.',
  'Where everybody in a number did the same, the number says so of each of them.',
  'Whoever holds the source, the ERP itself, knows more than any of this.',
]

/** Explains a rulebook. Pure; the same rulebook gives the same page. */
export function explain(rulebook: Rulebook): Explanation {
  const section = (id: string, title: string, blocks: readonly Block[]): Section => ({ id, title, blocks })
  return {
    title: `What \`${rulebook.name}\` collects, and what becomes of it`,
    rulebook: rulebook.name,
    version: rulebook.version,
    hash: rulebook.hash,
    sections: [
      section('in-short', 'In short', summary(rulebook)),
      section('whose', 'Whose data, and why we may', siteBlocks(rulebook)),
      section('fields', 'What is looked at, and what happens to it', fieldBlocks(rulebook)),
      section('searched', 'What is searched for and thrown away', scanBlocks(rulebook)),
      section('statistics', 'What is counted and published', statisticBlocks(rulebook)),
      section('stores', 'Where it lives, until when, and who can read it', storeBlocks(rulebook)),
      section('promises', 'Which promise is kept by what', clauseBlocks(rulebook)),
      section('limits', 'What this does not protect from', [
        text('No statistics protect from everything. These rules do not protect from the following:'),
        list(LIMITS),
      ]),
    ],
  }
}
