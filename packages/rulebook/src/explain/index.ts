/**
 * A rulebook in plain English, for whoever signs it and for whom it protects. Every sentence is made from the rules;
 * nothing is written by hand for one rulebook. What is read to decide whether to count at all is the decision's to say:
 * the house puts that beside it.
 */
import { storedPlans } from '../plan.js'
import type { Rulebook } from '../types.js'
import { clauseBlocks } from './clauses.js'
import { type Block, type Explanation, list, type Section, text } from './document.js'
import { fieldBlocks } from './fields.js'
import { identityBlocks, sitesOf } from './identity.js'
import { recordBlocks } from './record.js'
import { searchBlocks } from './searched.js'
import { siteBlocks } from './sites.js'
import { statisticBlocks } from './statistics.js'
import { storeBlocks } from './stores.js'
import { code, counted, day, duration, listed } from './words.js'

export type { Explanation } from './document.js'

function summary(rulebook: Rulebook): readonly Block[] {
  const stored = storedPlans(rulebook).map(({ stream }) => stream)
  const count = counted(rulebook.statistics.length, 'statistic')
  return [
    text(
      `We count how our pages and features are used, for one purpose: ${code(rulebook.purpose.id)}. ` +
        `We publish only numbers about many people at once: ${count}, ${rulebook.statistics.length === 1 ? 'which is' : 'all of them'} listed here. ` +
        `Whose record is whose can be told for a short time only, and by machines only: the key of a ${listed(stored, 'or')} is destroyed ${duration(rulebook.epochs.destroyKeyAfterMs)} after its end, and the link to anybody with it.`,
    ),
    text(
      `These rules hold from ${day(rulebook.effective)} until the day before ${day(rulebook.expires)}. By then they must have been looked at again, or nothing is collected any more.` +
        (rulebook.noticeAt === null ? '' : ` People were told of them on ${day(rulebook.noticeAt)}.`),
    ),
  ]
}

/** What no rule mends, as far as it fits the sites. */
function limits(rulebook: Rulebook): readonly string[] {
  const signed = sitesOf(rulebook, 'signed').length > 0
  const network = sitesOf(rulebook, 'network').length > 0
  const sources = [
    ...(signed ? ['the ERP itself'] : []),
    ...(network ? ['the web server with its own log'] : []),
  ]
  return [
    'Somebody who knows all but one of the people in a number, and what each of them did, can work out the last one.',
    `Where the same closed group is counted day after day, a change by one step says that somebody came or went.${rulebook.release.noise === null ? '' : ' Noise bounds how surely.'}`,
    `Where everybody in a number did the same, the number says so of each of them${Object.values(rulebook.events).some(({ sensitive }) => sensitive === true) ? ', but for what is declared sensitive' : ''}.`,
    ...(network
      ? [
          'A device is no person: people who share an address and the same browser count as one, and one person with two devices as two. Without accounts, somebody could also pose as several devices.',
        ]
      : []),
    `Whoever holds the source (${listed(sources, 'or')}) knows more than any of this.`,
  ]
}

/** Explains a rulebook. Pure; the same rulebook gives the same page. */
export function explain(rulebook: Rulebook): Explanation {
  const section = (id: string, title: string, blocks: readonly Block[]): Section => ({ id, title, blocks })
  return {
    title: `What ${code(rulebook.name)} collects, and what becomes of it`,
    rulebook: rulebook.name,
    version: rulebook.version,
    hash: rulebook.hash,
    sections: [
      section('in-short', 'In short', summary(rulebook)),
      section('whose', 'Whose data, and why we may', siteBlocks(rulebook)),
      section('who', 'Who is counted, and how', identityBlocks(rulebook)),
      section('fields', 'What is read of them, and what happens to it', fieldBlocks(rulebook)),
      section('searched', 'What is searched for and thrown away', searchBlocks(rulebook)),
      section('record', 'What a record holds', recordBlocks(rulebook)),
      section('statistics', 'What is counted and published', statisticBlocks(rulebook)),
      section('stores', 'Where it lives, until when, and who can read it', storeBlocks(rulebook)),
      section('promises', 'Which promise is kept by what', clauseBlocks(rulebook)),
      section('limits', 'What this does not protect from', [
        text('No statistics protect from everything. These rules do not protect from the following:'),
        list(limits(rulebook)),
      ]),
    ],
  }
}
