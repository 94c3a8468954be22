/** The whole page: what decides, and what it reads, beside what the rules say. */
import { classifyLine } from '@tacit/access-log'
import { decisionTable, lineTable } from '@tacit/anonymizer'
import { CHOICE_REASONS, LINE_REASONS, TECHNICAL_REASONS } from '@tacit/contracts'
import { DETECTORS, explain, explanationHtml, explanationMarkdown } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { explainDecisions, explainWhole } from './explanation.js'

const erp = shippedRulebook('erp')
const website = shippedRulebook('website')
const CLOSED = [
  ...CHOICE_REASONS,
  ...TECHNICAL_REASONS,
  ...LINE_REASONS,
  ...DETECTORS.map((detector) => `pii.${detector}`),
]

t.test(
  'every reason of the closed list stands in the printed tables, and nothing that is none',
  async (t) => {
    for (const page of [explainDecisions(erp), explainWhole(erp)]) {
      const tables = page.sections
        .filter(({ id }) => id.startsWith('decision'))
        .flatMap(({ blocks }) => blocks)
      const counted = tables.flatMap((block) =>
        block.type === 'table' ? block.rows.map((row) => row[2] ?? '') : [],
      )
      const reasons = counted.flatMap((cell) => cell.split(', ').map((reason) => reason.replaceAll('`', '')))
      t.same([...new Set(reasons)].sort(), [...CLOSED].sort())
    }
  },
)

t.test('lines are asked in the order in which they are classed', async (t) => {
  const order = lineTable(erp).flatMap(({ reasons }) => reasons)
  const line = (method: string, status: number, target: string) =>
    classifyLine({ method, status, target }, 'drop')
  t.same(
    [
      line('PUT', 500, '/a.png'),
      line('GET', 500, '/a.png'),
      line('GET', 200, '/a.png'),
      line('GET', 200, '/a'),
    ],
    [...order.slice(-3), null],
  )
})

t.test('what is read to decide is said, with its questions, before what is kept', async (t) => {
  for (const rulebook of [erp, website]) {
    const { sections } = explainWhole(rulebook)
    const ids = sections.map(({ id }) => id)
    t.ok(ids.indexOf('fields') < ids.indexOf('reads') && ids.indexOf('reads') < ids.indexOf('record'))
    const words = JSON.stringify(sections[ids.indexOf('reads')])
    for (const { order, reads } of decisionTable(rulebook))
      if (reads.length > 0) t.match(words, new RegExp(`Questions? (?:\\d+ and )?${String(order)}\\b`))
  }
  const page = explanationMarkdown(explainWhole(erp))
  for (const word of [
    '`Origin`',
    '`Sec-GPC`',
    '`DNT`',
    '`adult`',
    '`region`',
    '`consent`',
    '`aud`',
    '`iat`',
    '`exp`',
  ])
    t.match(page, word)
  t.notMatch(explanationMarkdown(explainWhole(website)).split('## The decision')[0], /[Tt]oken|ERP/)
})

t.test(
  'the rest of the page is the rulebook’s own explanation, and it is one page of HTML too',
  async (t) => {
    const own = explain(erp).sections.map(({ id }) => id)
    t.same(
      explainWhole(erp)
        .sections.map(({ id }) => id)
        .filter((id) => own.includes(id)),
      own,
    )
    t.match(explanationHtml(explainWhole(erp)), '<section id="decision-lines">')
  },
)
