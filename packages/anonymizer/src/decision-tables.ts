/**
 * The decision as the privacy team prints it: what is asked of a beacon, then of each of its events, what can become of
 * one that was accepted, and what is asked of lines of a log. Between them the tables hold the closed list of reasons
 * (contracts), each where it is decided; tests hold them against the code that decides.
 */
import type { Reason } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { CHECKS, type DecisionRead } from './decide.js'

/** One row of a printed table. */
export interface DecisionRow {
  /** from 1, in the order of asking */
  readonly order: number
  readonly question: string
  /** the reasons under which a refusal is counted */
  readonly reasons: readonly Reason[]
  readonly where: string
  readonly because: string
  /** what is looked at to answer it, on any site that it is asked of */
  readonly reads: readonly DecisionRead[]
}

type Row = Omit<DecisionRow, 'order' | 'reads'>

const numbered = (
  rows: readonly (Row & { readonly reads?: readonly DecisionRead[] })[],
): readonly DecisionRow[] =>
  rows.map(({ because, question, reads, reasons, where }, at) => ({
    order: at + 1,
    question,
    reasons,
    where,
    because,
    reads: reads ?? [],
  }))

/** The questions that a whole beacon must pass: which site it is, then the checks that apply to any site, in order. */
export function decisionTable(rulebook: Rulebook): readonly DecisionRow[] {
  const sites = Object.values(rulebook.sites)
  const first: Row = {
    question: 'Is the site one of this rulebook?',
    reasons: ['unknown_site'],
    where: 'every beacon',
    because: 'What no rule names is dropped',
  }
  const applying = CHECKS.flatMap((check) => {
    const asked = sites.filter((site) => check.applies(rulebook, site))
    const reads = [...new Set(asked.flatMap((site) => check.reads(site)))]
    return asked.length === 0 ? [] : [{ ...check, reads }]
  })
  return numbered([first, ...applying])
}

const isNetwork = (rulebook: Rulebook): boolean =>
  Object.values(rulebook.sites).some(({ identity }) => identity === 'network')
/** `event_name` is looked up among the events before: what is not listed there is `event.unknown`. */
const dropsByField = (rulebook: Rulebook): readonly string[] =>
  Object.entries(rulebook.fields)
    .filter(
      ([field, rule]) => field !== 'event_name' && rule.do === 'allow' && rule.otherwise === 'drop_event',
    )
    .map(([field]) => `\`${field}\``)

/** The questions that each event of a beacon must pass which was let in, in the order of `compile.ts`. */
export function eventTable(rulebook: Rulebook): readonly DecisionRow[] {
  const detectors = rulebook.scan?.detectors ?? []
  const dropping = dropsByField(rulebook)
  const rows: readonly (Row | null)[] = [
    isNetwork(rulebook)
      ? {
          question: 'Is there an internet address that can be read? Without one there is no device to count.',
          reasons: ['rule_failed'],
          where: 'the whole beacon or line, of sites with network identity',
          because: 'What cannot be read is dropped, never passed through',
        }
      : null,
    {
      question: 'Has its token sent no more events than it may in a minute?',
      reasons: ['rate'],
      where: 'events of beacons with a token',
      because: 'Nobody may move a number at will',
    },
    {
      question: 'Is its day still open, and was this rulebook the one that ruled then?',
      reasons: ['late'],
      where: 'every event',
      because: 'A number is computed once, when its day has ended',
    },
    detectors.length > 0
      ? {
          question: 'Do its texts hold none of the personal details that are searched for?',
          reasons: detectors.map((detector): Reason => `pii.${detector}`),
          where: 'every event',
          because: 'Policy clause 2a: what slips in is dropped, not masked',
        }
      : null,
    {
      question: 'Is its name one of the catalogue of events?',
      reasons: ['event.unknown'],
      where: 'every event',
      because: 'What no rule names is dropped',
    },
    {
      question: 'Are the keys of its day there, and not yet put away?',
      reasons: ['late', 'key_missing'],
      where: 'every event',
      because: 'Without a key there is no code, and nothing is stored without one',
    },
    dropping.length > 0
      ? {
          question: `Are its values listed, where a rule says \`drop_event\` (${dropping.join(', ')})?`,
          reasons: ['rule_failed'],
          where: 'events that a statistic reads',
          because: 'The rule of that field',
        }
      : null,
  ]
  return numbered(rows.filter((row) => row !== null))
}

/** What can still become of an accepted event; it stands in the books of its window, not among the drops of the hour. */
export function afterwardsTable(): readonly DecisionRow[] {
  return numbered([
    {
      question: 'Was it read from the log before the key of its hour or of its day died?',
      reasons: ['expired'],
      where: 'accepted events',
      because: 'A key dies on time, whatever is not done yet',
    },
    {
      question: 'Can its batch be opened, and does the store take its rows?',
      reasons: ['rule_failed'],
      where: 'accepted events',
      because: 'What cannot be read is set aside, sealed, until its key dies',
    },
  ])
}

/** The questions that lines of a file must pass before those of a beacon are asked, in the order of `tacit import`. */
export function lineTable(rulebook: Rulebook): readonly DecisionRow[] {
  const rows: readonly (Row | null)[] = [
    {
      question: 'Can the line be read as its format says?',
      reasons: ['line.unparsable'],
      where: 'every line',
      because: 'What cannot be read is dropped',
    },
    {
      question: 'Does its time lie in the past?',
      reasons: ['line.future'],
      where: 'every line',
      because: 'A wrong clock must not close days that are still open',
    },
    {
      question: 'Is its day still open? A log cannot be counted twice.',
      reasons: ['late'],
      where: 'every line',
      because: 'A number is computed once, when its day has ended',
    },
    {
      question: 'Is it of a site where nobody is asked for consent? A log does not say what people answered.',
      reasons: ['consent.unknown'],
      where: 'lines of an access log',
      because: 'DPDP Act s. 6; GDPR Art. 6(1)(a)',
    },
    {
      question: 'Was a page asked for (GET or POST)?',
      reasons: ['line.method'],
      where: 'lines of an access log',
      because: 'Nothing else is a page view',
    },
    {
      question: 'Was it answered without an error (a status below 400)?',
      reasons: ['line.status'],
      where: 'lines of an access log',
      because: 'Nobody saw a page',
    },
    rulebook.assets === 'drop'
      ? {
          question: 'Is it a page, and no image, style or script?',
          reasons: ['line.asset'],
          where: 'lines of an access log',
          because: 'A page view is counted once, not with each of its files',
        }
      : null,
  ]
  return numbered(rows.filter((row) => row !== null))
}
