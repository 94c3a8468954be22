/** `tacit keys`: every key root that ever was, from what the audit log tells; of the keys themselves nothing is read. */
import type { KeyRow, KeysAnswer } from '@tacit/dashboard'
import { keyRows } from '@tacit/dashboard'
import { keyRecordsOf } from '@tacit/keeper'
import type { AuditEntry } from '@tacit/audit-log'
import { Command, Option } from 'commander'
import { existingLayout } from '../house/audit-copy.js'
import { OWN_TIME_NOTE, isOwnTime, placeOf, shownLog, withAuditPlace } from '../house/audit-place.js'
import { askInstance, queryOf } from '../house/reader.js'
import { readRunFile, type RunFile } from '../house/run-file.js'
import { counted } from '../counted.js'
import { print, printJson, table } from '../output.js'

const STREAMS = ['day', 'week', 'month', 'hour', 'tenant', 'site'] as const

interface KeysOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly stream?: (typeof STREAMS)[number]
  readonly living?: boolean
  readonly json?: boolean
}

export function keysCommand(): Command {
  return withAuditPlace(
    new Command('keys').description(
      'Every key root that ever was: when it was made, who was given keys of it, when it was destroyed',
    ),
  )
    .addOption(new Option('--stream <stream>', 'only these').choices([...STREAMS]))
    .option('--living', 'only those that are not destroyed')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit keys --living\n  $ npx tacit keys --stream hour --json\n  $ npx tacit keys --log copy-of-audit/\n\nNever key material, nor a fingerprint of it; what is shown follows from the audit log (docs/keys.md). Keys of\ntenants and sites go on record once an hour, so that nobody learns when a customer’s first beacon came.\n',
    )
    .action(async (options: KeysOptions) => {
      const { hasOwnTime, ...answer } = await askKeys(options)
      const shown = answer.keys.filter(
        ({ destroyed, stream }) =>
          (options.stream === undefined || stream === options.stream) &&
          (options.living !== true || destroyed === null),
      )
      if (options.json) printJson({ ...answer, keys: shown })
      else print(keysText(shown, answer, options) + (hasOwnTime ? `\n${OWN_TIME_NOTE}` : ''))
    })
}

interface Keys extends KeysAnswer {
  /** whether some were made at another time than their entries were written, see `OWN_TIME_NOTE` */
  readonly hasOwnTime: boolean
}

/** Of the running instance; else of the audit log that lies in the data directory, or of a copy. */
async function askKeys({ data, log, site }: KeysOptions): Promise<Keys> {
  const running = log === undefined ? readRunFile(existingLayout(data)) : null
  if (running !== null) return askRunning(running, site)
  const { copy, reading, signed } = await shownLog(placeOf({ data, log, site }))
  const { rulebook } = copy
  const deadlines =
    rulebook === null
      ? null
      : { destroyKeyAfterMs: rulebook.epochs.destroyKeyAfterMs, logMs: rulebook.keep.logMs }
  const entries = [...reading.entries()]
  return {
    keys: keyRows(keyRecordsOf(entries), deadlines, signed),
    realm: copy.realm ?? 'copy',
    sample: copy.realm === 'sample',
    hasOwnTime: entries.some(madeByOwnTime),
  }
}

function madeByOwnTime({ action, object, time }: AuditEntry): boolean {
  return action === 'key.created' && isOwnTime((object as { readonly at: string }).at, time)
}

/** Runs follow one another: the first and the last key that was made tell whether one of them had a time of its own. */
async function askRunning(running: RunFile, site: string | undefined): Promise<Keys> {
  const answer = JSON.parse(await askInstance(running, `/api/v1/keys${queryOf({ site })}`)) as KeysAnswer
  const { keys, realm } = answer
  let hasOwnTime = false
  for (const row of [keys.at(0), keys.at(-1)]) {
    if (row === undefined || hasOwnTime) continue
    const query = queryOf({ realm, from: String(row.entries.created), limit: '1' })
    const page = await askInstance(running, `/api/v1/audit/entries${query}`)
    hasOwnTime = (JSON.parse(page) as { readonly entries: readonly AuditEntry[] }).entries.some(madeByOwnTime)
  }
  return { ...answer, hasOwnTime }
}

const UNSIGNED =
  '* Entries after the newest head are not proven yet; one is signed every hour, and `tacit audit verify` checks it.'

const NEVER = 'never: roots of tenants and sites have no deadline; they die when the account is closed.'

const NO_RULEBOOK = '— No rulebook lies here, so what the deadlines were is not known.'

const RECONCILED = { true: 'yes', false: 'no', null: '·' } as const

/** Of these there are many, so that they are shown where they are asked for. */
const FOLDED = [
  ['tenant', 'root of a tenant', 'roots of tenants'],
  ['site', 'root of a site', 'roots of sites'],
  ['hour', 'log hour', 'log hours'],
] as const

function keysText(keys: readonly KeyRow[], { sample }: KeysAnswer, { living, stream }: KeysOptions): string {
  const note = sample ? 'Sample data.\n' : ''
  if (keys.length === 0)
    return `${note}${living === true ? 'No such key lives.' : 'No such key was ever made.'}`
  const isFolded = (key: KeyRow): boolean =>
    stream === undefined && FOLDED.some(([name]) => name === key.stream)
  const rows = keys.filter((key) => !isFolded(key))
  const parts = rows.length === 0 ? [] : [keysTable(rows)]
  if (rows.some(({ epoch }) => epoch === null)) parts.push(NEVER)
  if (rows.some(hasUnknownDeadline)) parts.push(NO_RULEBOOK)
  for (const [name, one, many] of FOLDED) {
    const left = stream === undefined ? keys.filter((key) => key.stream === name).length : 0
    if (left === 0) continue
    parts.push(
      `${counted(left, one, many)} ${left === 1 ? 'is' : 'are'} left out; see ${left === 1 ? 'it' : 'them'} with --stream ${name}.`,
    )
  }
  if (rows.some(({ unsigned }) => unsigned)) parts.push(UNSIGNED)
  const alive = keys.filter(({ destroyed }) => destroyed === null).length
  parts.push(
    `${alive.toLocaleString('en-GB')} living, ${(keys.length - alive).toLocaleString('en-GB')} destroyed.`,
  )
  return note + parts.join('\n')
}

const hasUnknownDeadline = ({ due, epoch }: KeyRow): boolean => due === null && epoch !== null

/** Where the keeper is in the process that asks it, that is nothing to tell of each key. */
const isOwn = ({ handed_to: handedTo }: KeyRow): boolean => handedTo.every((party) => party === 'in-process')

/** The newest last: where a terminal ends. */
function keysTable(keys: readonly KeyRow[]): string {
  const isAllOwn = keys.every(isOwn)
  return table(
    [
      'key',
      'made',
      'destroyed',
      'at the latest',
      'counts add up',
      ...(isAllOwn ? [] : ['keys given to']),
      'audit entries',
    ],
    keys.map(({ created, destroyed, due, entries, epoch, handed_to: handedTo, id, reconciled, unsigned }) => [
      id,
      created,
      destroyed ?? 'lives',
      due ?? (epoch === null ? 'never' : '—'),
      RECONCILED[`${reconciled}`],
      ...(isAllOwn ? [] : [handedTo.length === 0 ? 'nobody' : handedTo.join(', ')]),
      [entries.created, entries.destroyed ?? []]
        .flat()
        .map((seq) => `#${String(seq)}`)
        .join(', ') + (unsigned ? ' *' : ''),
    ]),
  )
}
