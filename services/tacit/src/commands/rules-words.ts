/** `rules words`: path segments that enough people used, for the privacy team to approve or reject. */
import { existsSync, readFileSync } from 'node:fs'
import { TacitError } from '@tacit/contracts'
import { Command } from 'commander'
import { counted } from '../counted.js'
import { presentLayout } from '../house/layout.js'
import { WordQueue } from '../house/word-queue.js'
import { writeOutput } from '../house/written-files.js'
import { print, printJson, UsageError } from '../output.js'

interface WordsOptions {
  readonly data: string
  readonly json?: boolean
  readonly to?: string
}

const DATA = ['--data <dir>', 'data directory', '.tacit'] as const

function queueOf(data: string): WordQueue {
  return new WordQueue(presentLayout(data).realm('main').dir)
}

function requireWaiting(queue: WordQueue, words: readonly string[]): void {
  const waiting = new Set(queue.words())
  const strangers = words.filter((word) => !waiting.has(word)).length
  if (strangers > 0) {
    throw new UsageError(
      `${strangers} of these words ${strangers === 1 ? 'does' : 'do'} not wait; \`tacit rules words\` lists those that do. Nothing was changed.`,
    )
  }
}

/** A list of words with more of them right behind its head. @throws TacitError ERR_INPUT_FILE */
export function withWords(text: string, words: readonly string[]): string {
  const lines = text.split('\n')
  const head = lines.findIndex((line) => /^words:[ \t]*(#.*)?\r?$/.test(line))
  const items = lines.flatMap((line) => /^([ \t]*)- +(.*?)[ \t]*\r?$/.exec(line) ?? [])
  if (head < 0) {
    throw new TacitError(
      'ERR_INPUT_FILE',
      'The list must begin with a line `words:`, then one word a line: `  - reports`',
    )
  }
  const indent = items[1] ?? '  '
  const fresh = words.filter(
    (word) => ![word, `'${word}'`, JSON.stringify(word)].some((form) => items.includes(form)),
  )
  return lines.toSpliced(head + 1, 0, ...fresh.map((word) => `${indent}- ${JSON.stringify(word)}`)).join('\n')
}

function list({ data, json }: WordsOptions): void {
  const words = queueOf(data).words()
  if (json) {
    printJson({ words })
    return
  }
  for (const word of words) print(word)
  print(
    words.length === 0
      ? 'No word waits.'
      : `${counted(words.length, 'word waits', 'words wait')}, ${words.length === 1 ? '' : 'each '}used by enough people of one day. Approve what names a page; reject what names a person or a customer.`,
  )
}

/** The text of a list; an empty list where there is no file yet. @throws TacitError ERR_INPUT_FILE */
function listAt(file: string): string {
  if (!existsSync(file)) return 'words:\n'
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new TacitError('ERR_INPUT_FILE', `No list can be read at ${file}; name a file with --to`, { cause })
  }
}

function approve(words: readonly string[], { data, json, to }: WordsOptions): void {
  if (to === undefined) throw new UsageError('Name the list of words with --to words.yaml')
  const queue = queueOf(data)
  requireWaiting(queue, words)
  writeOutput(to, withWords(listAt(to), words), { option: '--to' })
  queue.decide(words)
  if (json) printJson({ approved: words })
  else
    print(
      `${counted(words.length, 'word stands', 'words stand')} in ${to}. ${words.length === 1 ? 'It passes' : 'They pass'} once a rulebook with this list rules: check, sign and activate it.`,
    )
}

function reject(words: readonly string[], { data, json }: WordsOptions): void {
  const queue = queueOf(data)
  requireWaiting(queue, words)
  queue.decide(words)
  if (json) printJson({ rejected: words })
  else print(`${counted(words.length, 'word stays :id and does', 'words stay :id and do')} not come back.`)
}

export function rulesWordsCommand(): Command {
  return new Command('words')
    .description('Path segments that no list approves and that enough people of a day used')
    .option(...DATA)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx tacit rules words --data .tacit\n  $ npx tacit rules words approve reports stock --to my/words.yaml\n',
    )
    .action(list)
    .addCommand(
      new Command('approve')
        .description('Put waiting words into a list of words')
        .argument('<word...>', 'words that wait')
        .option('--to <file>', 'the list that a rulebook names')
        .option(...DATA)
        .option('--json', 'for machines')
        .addHelpText('after', '\nExample:\n  $ npx tacit rules words approve reports --to my/words.yaml\n')
        .action((words: string[], _own: WordsOptions, command: Command) =>
          approve(words, command.optsWithGlobals()),
        ),
    )
    .addCommand(
      new Command('reject')
        .description('Let waiting words stay :id for good')
        .argument('<word...>', 'words that wait')
        .option(...DATA)
        .option('--json', 'for machines')
        .addHelpText('after', '\nExample:\n  $ npx tacit rules words reject acme-traders\n')
        .action((words: string[], _own: WordsOptions, command: Command) =>
          reject(words, command.optsWithGlobals()),
        ),
    )
}
