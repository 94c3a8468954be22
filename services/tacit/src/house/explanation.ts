/** A rulebook explained: with the decision's table where it is asked for. */
import { decisionTable } from '@tacit/anonymizer'
import { type Explanation, explain, type Rulebook } from '@tacit/rulebook'

/** The decision as a page of its own. */
export function explainDecisions(rulebook: Rulebook): Explanation {
  const { hash, name, version } = rulebook
  return {
    title: `How \`${name}\` decides whether a beacon may be counted`,
    rulebook: name,
    version,
    hash,
    sections: [decisionSection(rulebook)],
  }
}

/** The whole explanation, the decision's table at its end. */
export function explainWhole(rulebook: Rulebook): Explanation {
  const explanation = explain(rulebook)
  return { ...explanation, sections: [...explanation.sections, decisionSection(rulebook)] }
}

function decisionSection(rulebook: Rulebook): Explanation['sections'][number] {
  const rows = decisionTable(rulebook).map(({ because, order, question, reasons, where }) => [
    String(order),
    question,
    reasons.map((reason) => `\`${reason}\``).join(', '),
    where,
    because,
  ])
  return {
    id: 'decision',
    title: 'The decision, question by question',
    blocks: [
      {
        type: 'text',
        text: 'Before anything of a beacon is looked at, these questions are asked, in this order. The first one that speaks against it decides, the whole beacon is dropped, and each of its events is counted under the reason. Only a beacon that passes them all goes on.',
      },
      {
        type: 'table',
        head: ['', 'Question', 'Counted as', 'Asked of', 'Why'],
        rows,
      },
    ],
  }
}
