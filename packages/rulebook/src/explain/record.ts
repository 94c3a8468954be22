/** What a record holds, column by column: from the very list that the collector writes and the store keeps. */
import type { Stream } from '@tacit/contracts'
import { fieldOf } from '../dimensions.js'
import { LANDING_COLUMNS, PROVENANCE_COLUMN, recordColumns, storedPlans, type StreamPlan } from '../plan.js'
import type { EventKind, Rulebook } from '../types.js'
import { type Block, list, table, text } from './document.js'
import { sitesOf } from './identity.js'
import { code, codes, duration, listed } from './words.js'

export const KINDS: Readonly<Record<EventKind, string>> = {
  page_view: 'a page view',
  feature: 'the use of a feature',
  timing: 'a loading time',
  error: 'an error',
  device: 'a start of the app',
}

/** The kinds that the catalogue of events knows, as people say them. */
export function kindsOf(rulebook: Rulebook): string {
  const kinds = [...new Set(Object.values(rulebook.events).map(({ kind }) => kind))]
  return listed(
    kinds.map((kind) => KINDS[kind]),
    'or',
  )
}

type Words = (rulebook: Rulebook, stream: Stream) => string

function hourWords({ fields }: Rulebook): string {
  const rule = fields['timestamp']
  const step = rule?.do === 'coarsen' ? `, rounded down to ${duration(rule.toMs)}` : ''
  return `The time of the event${step}`
}

/** Empty where nobody, or no company, is known in that way. */
function onlyOn(rulebook: Rulebook, identity: 'signed' | 'network', words: string): string {
  const other = sitesOf(rulebook, identity === 'signed' ? 'network' : 'signed')
  if (other.length === 0) return words
  return sitesOf(rulebook, identity).length === 0 ? 'Always empty here' : `${words}; empty on ${codes(other)}`
}

function personWords(rulebook: Rulebook, stream: Stream): string {
  const whom = [
    ...(sitesOf(rulebook, 'signed').length > 0 ? ['the person’s'] : []),
    ...(sitesOf(rulebook, 'network').length > 0 ? ['the device’s'] : []),
  ]
  return `${listed(whom, 'or')} code of the ${stream}`.replace(/^t/, 'T')
}

const COLUMNS: Readonly<Record<string, Words>> = {
  received: () => 'The hour in which it came',
  epoch: (_rulebook, stream) =>
    stream === 'day' ? 'The day that it belongs to' : `The first day of the ${stream} that it belongs to`,
  hour: hourWords,
  site: () => 'Which site it is of',
  kind: (rulebook) => `What kind of event it was: ${kindsOf(rulebook)}`,
  statistic: () => 'Which statistic it was counted in',
  standing: (rulebook) =>
    onlyOn(
      rulebook,
      'signed',
      'Whether the company is an established customer, on trial, or ourselves, as the ERP’s token says',
    ),
  tenant: (rulebook, stream) => onlyOn(rulebook, 'signed', `The company’s code of the ${stream}`),
  person: personWords,
  network: (rulebook, stream) => onlyOn(rulebook, 'network', `The network’s code of the ${stream}`),
  eid: () => 'A keyed code of the event’s id, so that what was sent twice is counted once',
  _producer: () => 'A number that the collector drew when it started',
  _batch: () => 'Which of its batches',
  _row: () => 'Which row of that batch',
  _rulebook: () => 'The hash of the rules that decided it, the same for all that came under them',
}

/** What a column is, in words. @throws TypeError for one that nobody described */
function wordsOf(name: string, rulebook: Rulebook, stream: Stream): string {
  const words = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined
  if (words === undefined) throw new TypeError(`nobody said what ${name} is`)
  return words(rulebook, stream)
}

function rowsOf(rulebook: Rulebook, { dimensions, stream }: StreamPlan): readonly (readonly string[])[] {
  const own = recordColumns(stream).map(({ name }) => [code(name), wordsOf(name, rulebook, stream)])
  const fields = dimensions.map((name) => {
    const field = fieldOf(rulebook, name) ?? name
    return [code(name), `What the rule of ${code(field)} leaves, where the event has it`]
  })
  const provenance = [code(PROVENANCE_COLUMN.name), wordsOf(PROVENANCE_COLUMN.name, rulebook, stream)]
  return [...own, ...fields, provenance]
}

function intro(stream: Stream): string {
  return stream === 'day'
    ? 'For each event that may be counted, and that a statistic reads, one record is made. It holds:'
    : `For each number by the ${stream} that somebody is part of there is one record more, without a time and without how often. It holds:`
}

/** What each record holds. */
export function recordBlocks(rulebook: Rulebook): readonly Block[] {
  const landing = LANDING_COLUMNS.map(({ name }) => `${code(name)}: ${wordsOf(name, rulebook, 'day')}.`)
  return [
    ...storedPlans(rulebook).flatMap((plan) => [
      text(intro(plan.stream)),
      table(['Column', 'What it is'], rowsOf(rulebook, plan)),
    ]),
    text(
      'Until all records of an hour are together, each also carries these, so that none is lost or counted twice; they stay behind when it moves on. Nothing else is on a record:',
    ),
    list(landing),
  ]
}
