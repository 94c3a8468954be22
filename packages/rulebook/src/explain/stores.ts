/** Where things live and until when, and who can read them. */
import { DAY } from '@tacit/contracts'
import { storedPlans, streamPlans } from '../plan.js'
import type { Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { counted, duration, listed } from './words.js'

const LONGEST: Readonly<Record<string, number>> = { day: 1, week: 7, month: 31 }

/** The longest life of a row of a stream, from the event to the death of its key: the whole period and the wait. */
function longestLife(rulebook: Rulebook, stream: string): string {
  const whole = (LONGEST[stream] ?? 0) * DAY + rulebook.epochs.destroyKeyAfterMs
  return whole % DAY === 0 ? counted(whole / DAY, 'day') : duration(whole)
}

/** Stores with what they hold, how long, and who reads them. */
export function storeBlocks(rulebook: Rulebook): readonly Block[] {
  const { epochs, keep } = rulebook
  const stored = storedPlans(rulebook).map(({ stream }) => stream)
  const later = streamPlans(rulebook)
    .map(({ stream }) => stream)
    .filter((stream) => !stored.includes(stream))
  const rows = [
    [
      'The collector’s memory',
      'What the browser sent, as it came',
      'One request; some texts for at most 15 minutes',
      'Nobody',
    ],
    [
      'The log',
      'Records under codes, in sealed batches',
      `At most ${duration(keep.logMs)}`,
      'Nobody; only the aggregator has the key',
    ],
    ...stored.map((stream) => [
      `The ${stream}’s records`,
      `Records under codes that are good for that ${stream} alone`,
      `At most ${longestLife(rulebook, stream)} after the event`,
      'Nobody; only the aggregator',
    ]),
    [
      'The published numbers',
      'Statistics that are about no single person',
      `At most ${counted(keep.releasedMonths, 'month')}`,
      'The product team and the privacy team',
    ],
    [
      'The record of what was done',
      'Changes of these rules, keys made and destroyed; no data of a person',
      counted(keep.auditDays, 'day'),
      'The privacy team',
    ],
  ]
  return [
    table(['Where', 'What', 'How long', 'Who can read it'], rows),
    text(
      `The key of a day is destroyed ${duration(epochs.destroyKeyAfterMs)} after the day has ended. From then on nobody can tell whose record was whose, we ourselves included: a record that could be linked to its person lives for at most ${longestLife(rulebook, 'day')}.` +
        ` A period is counted ${duration(epochs.latenessMs)} after its end; what comes later is not counted.`,
    ),
    ...(later.length > 0
      ? [
          text(
            `Statistics of a ${listed(later, 'or')} are declared, but this version does not publish them yet, and so it keeps no record for them. When it does, such a record will live for at most ${listed(
              later.map((stream) => `${longestLife(rulebook, stream)} (${stream})`),
            )}.`,
          ),
        ]
      : []),
    text(
      'The keys lie with the keeper alone, which hands out only what is derived from them for one use. No human role can read records of people. Backups hold published numbers and the record of what was done, never records of people and never keys.',
    ),
    text(
      `All of it stays in the region \`${rulebook.region}\`. Nothing is sold, shared or sent anywhere else; there are no other recipients.`,
    ),
  ]
}
