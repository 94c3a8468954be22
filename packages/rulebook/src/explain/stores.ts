/** Where things live and until when, and who can read them. */
import { DAY, MAX_RAW_AGE_MS } from '@tacit/contracts'
import { sizeText } from '../durations.js'
import { storedPlans } from '../plan.js'
import type { Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { counted, duration, listed, sentence } from './words.js'

const LONGEST: Readonly<Record<string, number>> = { day: 1, week: 7, month: 31 }

/** The longest life of a row of a stream, from the event to the death of its key: the whole period and the wait. */
function longestLife(rulebook: Rulebook, stream: string): string {
  const whole = (LONGEST[stream] ?? 0) * DAY + rulebook.epochs.destroyKeyAfterMs
  return whole % DAY === 0 ? counted(whole / DAY, 'day') : duration(whole)
}

/** Words of paths that enough people used and that wait for the privacy team, where a rule asks for approved words. */
function waitingWords({ fields, release }: Rulebook): readonly (readonly string[])[] {
  const waits = Object.values(fields).some(
    (rule) => rule.do === 'template' && 'generic' in rule && rule.generic.words !== 'any',
  )
  if (!waits) return []
  return [
    [
      'The words that wait',
      `Parts of pages’ addresses that are no approved words and that at least ${counted(release.minUsers, 'person', 'people')} of a day used`,
      'Until they are decided on',
      'The privacy team',
    ],
  ]
}

/** Stores with what they hold, how long, and who reads them. */
export function storeBlocks(rulebook: Rulebook): readonly Block[] {
  const { epochs, keep } = rulebook
  const stored = storedPlans(rulebook).map(({ stream }) => stream)
  const log =
    stored.length > 1
      ? 'Records of every period, under codes, in sealed batches'
      : 'Records under codes, in sealed batches'
  const words = waitingWords(rulebook)
  const rows = [
    [
      'The collector’s memory',
      'What the browser sent, as it came',
      `One request; what is looked up again and again, for at most ${duration(MAX_RAW_AGE_MS)}`,
      'Nobody',
    ],
    ['The log', log, `At most ${duration(keep.logMs)}`, 'Nobody; only the aggregator has the key'],
    [
      'The collectors’ disks, where the log is on other machines',
      `Sealed batches that wait while the log does not answer, at most ${sizeText(keep.spoolBytes)} a collector`,
      `At most ${duration(keep.logMs)}, the time in the log included`,
      'Nobody; only the aggregator has the key',
    ],
    ...stored.map((stream) => [
      `The ${stream}’s records`,
      `Records under codes that are good for that ${stream} alone`,
      `At most ${longestLife(rulebook, stream)} after the event`,
      'Nobody; only the aggregator',
    ]),
    ...words,
    [
      'The published numbers',
      'Statistics that are about no single person',
      `At most ${counted(keep.releasedMonths, 'month')}`,
      'The product team and the privacy team',
    ],
    [
      'The ledger',
      'How many events came, were counted or were dropped for which reason, by the hour; nothing of a person',
      'As long as the installation',
      'The privacy team',
    ],
    [
      'The record of what was done',
      'Changes of these rules, keys made and destroyed; nothing of a person',
      sentence(counted(keep.auditDays, 'day')),
      'The privacy team',
    ],
  ]
  return [
    table(['Where', 'What', 'How long', 'Who can read it'], rows),
    text(
      `The key of a ${listed(stored, 'or')} is destroyed ${duration(epochs.destroyKeyAfterMs)} after its end. From then on nobody can tell whose record was whose, we ourselves included: a record that could be linked to its person lives for at most ${listed(
        stored.map((stream) =>
          stored.length > 1 ? `${longestLife(rulebook, stream)} (${stream})` : longestLife(rulebook, stream),
        ),
      )}. A period is counted ${duration(epochs.latenessMs)} after its end; what comes later is not counted.`,
    ),
    text(
      'The keys lie with the keeper alone, which hands out only what is derived from them for one use. No human role can read records of people. Backups hold published numbers and the record of what was done, never records of people and never keys.',
    ),
    text(
      `All of it stays in the region \`${rulebook.region}\`. Nothing is sold, shared or sent anywhere else; there are no other recipients.`,
    ),
  ]
}
