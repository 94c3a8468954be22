/** A rulebook explained, with what is read to decide and the whole of the decision. */
import {
  afterwardsTable,
  type DecisionRead,
  type DecisionRow,
  decisionTable,
  eventTable,
  lineTable,
} from '@tacit/anonymizer'
import { MAX_RAW_AGE_MS, MINUTE } from '@tacit/contracts'
import { type Explanation, explain, type Rulebook } from '@tacit/rulebook'

type Section = Explanation['sections'][number]
type Block = Section['blocks'][number]

/** The decision as a page of its own. */
export function explainDecisions(rulebook: Rulebook): Explanation {
  const { hash, name, version } = rulebook
  return {
    title: `How \`${name}\` decides whether something may be counted`,
    rulebook: name,
    version,
    hash,
    sections: decisionSections(rulebook),
  }
}

/** The whole explanation: what is read to decide stands before what a record holds, the decision's tables at the end. */
export function explainWhole(rulebook: Rulebook): Explanation {
  const explanation = explain(rulebook)
  const before = explanation.sections.findIndex(({ id }) => id === 'record')
  return {
    ...explanation,
    sections: [
      ...explanation.sections.slice(0, before),
      readSection(rulebook),
      ...explanation.sections.slice(before),
      ...decisionSections(rulebook),
    ],
  }
}

const TOKEN = 'The ERP’s signed token'
const BROWSER = 'The browser’s request'
/** The port is there, what fills it comes with the rights of people. */
const KNOWN =
  'A list of such choices. This version does not keep one yet: until it does, whatever sends the beacon must say no'

/** Each thing that the decision reads, in words: what it is, where it comes from. */
const READS: Readonly<Record<DecisionRead, readonly [what: string, from: string]>> = {
  origin: ['The origin of the page (`Origin`)', BROWSER],
  token: ['Whether the token is the ERP’s, for us and in its time (signature, `aud`, `iat`, `exp`)', TOKEN],
  'token.consent': ['What the person answered, to which policy, and when (`consent`)', TOKEN],
  'token.adult': ['Whether the person is an adult (`adult`)', TOKEN],
  'token.region': ['The region of the person (`region`)', TOKEN],
  'page.consent': [
    'What the page says of consent: its own word, a TCF or GPP string, Google Consent Mode',
    'The page, about itself',
  ],
  gpc: ['Global Privacy Control (`Sec-GPC`)', BROWSER],
  dnt: ['Do Not Track (`DNT`)', BROWSER],
  bot: ['Whether the browser’s description of itself names a crawler (`User-Agent`)', BROWSER],
  'person.withdrawn': ['Whether consent was withdrawn since', KNOWN],
  'person.objected': ['Whether there is an objection', KNOWN],
  'person.tenant_opted_out': ['Whether the company opted out', KNOWN],
  'person.account_closed': ['Whether the account is closed', KNOWN],
}

/** What is looked at to decide, with the questions that it answers; derived from the decision's own table. */
function readSection(rulebook: Rulebook): Section {
  const table = decisionTable(rulebook)
  const reads = [...new Set(table.flatMap((row) => row.reads))]
  const rows = reads.map((read) => {
    const questions = table.filter((row) => row.reads.includes(read)).map(({ order }) => order)
    const [what, from] = READS[read]
    return [what, from, `Question${questions.length > 1 ? 's' : ''} ${questions.join(' and ')}`]
  })
  const signed = Object.values(rulebook.sites).some(({ identity }) => identity === 'signed')
  const minutes = String(MAX_RAW_AGE_MS / MINUTE)
  const token = signed
    ? ` A token that was checked is remembered in memory for at most ${minutes} minutes, so that it need not be checked again; of how many events it sent, only the number is kept with it.`
    : ''
  return {
    id: 'reads',
    title: 'What is read to decide, and not kept',
    blocks: [
      text(
        'Before an event is counted, it is asked whether it may be. The questions stand at the end of this page. What they look at is read in memory, and no answer is on any record:',
      ),
      {
        type: 'table',
        head: ['What is read', 'Where it comes from', 'Which question of a beacon it answers'],
        rows,
      },
      text(
        `Whoever sends too many requests is put off: for that the internet address of the connection is counted in memory, for at most a minute.${token}`,
      ),
    ],
  }
}

const text = (words: string): Block => ({ type: 'text', text: words })

function tableOf(rows: readonly DecisionRow[]): Block {
  return {
    type: 'table',
    head: ['No.', 'Question', 'A refusal is counted as', 'Asked of', 'Why'],
    rows: rows.map(({ because, order, question, reasons, where }) => [
      String(order),
      question,
      reasons.map((reason) => `\`${reason}\``).join(', '),
      where.charAt(0).toUpperCase() + where.slice(1),
      because,
    ]),
  }
}

function decisionSections(rulebook: Rulebook): readonly Section[] {
  const section = (id: string, title: string, words: string, rows: readonly DecisionRow[]): Section => ({
    id,
    title,
    blocks: [text(words), tableOf(rows)],
  })
  return [
    section(
      'decision',
      'The decision, question by question: the whole beacon',
      'A beacon is what a page sends: up to a hundred events, with what they have in common. Before anything of its events is looked at, these questions are asked of it, in this order. The first that speaks against it decides: the whole beacon is dropped, and each of its events is counted under that reason.',
      decisionTable(rulebook),
    ),
    section(
      'decision-events',
      'Then, of each event',
      'These questions are asked of each event of a beacon that passed, in this order. The first that speaks against it drops this event alone.',
      eventTable(rulebook),
    ),
    section(
      'decision-afterwards',
      'Then, of what was accepted',
      'An accepted event can still be lost on its way. That stands in the books of its day, so that received is always accepted and dropped, and accepted is always counted and lost.',
      afterwardsTable(),
    ),
    section(
      'decision-lines',
      'Of lines of a log',
      'Where a web server’s log or a file of beacons is imported, these questions are asked of each line first. A line of a web server’s log that passes them is one event; it is asked the questions above, except those about the page that sent it and about a token. A line that holds a beacon is asked all of them.',
      lineTable(rulebook),
    ),
  ]
}
