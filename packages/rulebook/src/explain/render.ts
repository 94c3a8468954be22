/** An explanation as Markdown or HTML. */
import type { Block, Explanation } from './document.js'

/** What Markdown or HTML within it would take for a mark. `&` and `<` as entities, so that no reader makes tags of them. */
const MARKS = /[&<>[\]*_~\\]/g
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Text as Markdown: words between backticks stay code, which shows everything as it is; of the rest nothing is a mark. */
function markdown(words: string): string {
  return words
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(MARKS, (mark) => ENTITIES[mark] ?? `\\${mark}`)))
    .join('')
}

const cell = (words: string): string => markdown(words).replaceAll('|', '\\|').replaceAll('\n', ' ')
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

function markdownBlock(block: Block): string {
  switch (block.type) {
    case 'text':
      return markdown(block.text)
    case 'list':
      return block.items.map((item) => `- ${markdown(item)}`).join('\n')
    case 'table':
      return [row(block.head), row(block.head.map(() => '---')), ...block.rows.map(row)].join('\n')
    default: {
      const never: never = block
      throw new TypeError(`unknown block ${String(never)}`)
    }
  }
}

function stamp({ hash, rulebook, version }: Explanation): string {
  return `Made from the rulebook \`${rulebook}\`, version ${version}. Its hash, which stands on every batch of records and every published number: \`${hash}\`.`
}

/** GitHub-flavoured Markdown. */
export function explanationMarkdown(explanation: Explanation): string {
  const sections = explanation.sections.flatMap(({ blocks, title }) => [
    `## ${markdown(title)}`,
    ...blocks.map(markdownBlock),
  ])
  return `${[`# ${markdown(explanation.title)}`, ...sections, '---', markdown(stamp(explanation))].join('\n\n')}\n`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text as HTML: everything escaped, words between backticks as code. */
function html(words: string): string {
  const escaped = words.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
  return escaped.replace(/`([^`]*)`/g, '<code>$1</code>')
}

function htmlBlock(block: Block): string {
  switch (block.type) {
    case 'text':
      return `<p>${html(block.text)}</p>`
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${html(item)}</li>`).join('')}</ul>`
    case 'table': {
      const head = block.head.map((title) => `<th scope="col">${html(title)}</th>`).join('')
      const body = block.rows
        .map(
          (cells) =>
            `<tr>${cells.map((words, at) => `<td data-label="${html(block.head[at] ?? '')}">${html(words)}</td>`).join('')}</tr>`,
        )
        .join('\n')
      return `<table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table>`
    }
    default: {
      const never: never = block
      throw new TypeError(`unknown block ${String(never)}`)
    }
  }
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.8rem; line-height: 1.25; } h2 { margin-top: 2.5rem; font-size: 1.3rem; }
p, li { max-width: 46rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: 0.93rem; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.75rem; border-bottom: 1px solid #8886; }
th { border-bottom-width: 2px; }
code { font: 0.9em ui-monospace, monospace; background: #8882; border-radius: 3px; padding: 0.05em 0.3em; overflow-wrap: anywhere; }
footer { margin-top: 3rem; border-top: 1px solid #8886; font-size: 0.85rem; }
@media (max-width: 44rem) {
  thead { display: none; } tr { display: block; padding: 0.75rem 0; border-bottom: 1px solid #8886; }
  td { display: block; border: 0; padding: 0.15rem 0; } td::before { content: attr(data-label) ": "; font-weight: 600; }
}
@media print { body { margin: 0; max-width: none; } tr, li { break-inside: avoid; } }
`

/** A whole page, without scripts and without anything from elsewhere. */
export function explanationHtml(explanation: Explanation): string {
  const title = html(explanation.title)
  const sections = explanation.sections
    .map(
      ({ blocks, id, title: heading }) =>
        `<section id="${id}"><h2>${html(heading)}</h2>\n${blocks.map(htmlBlock).join('\n')}</section>`,
    )
    .join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title.replace(/<\/?code>/g, '')}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${sections}
<footer><p>${html(stamp(explanation))}</p></footer></body></html>
`
}
