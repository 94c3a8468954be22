import type { SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { Command } from 'commander'
import { existingLayout, readingOf } from '../house/audit-copy.js'
import {
  countOf,
  filledCopy,
  placeOf,
  requireSigned,
  sayRealm,
  withAuditPlace,
} from '../house/audit-place.js'
import { askInstance, queryOf } from '../house/reader.js'
import { readRunFile } from '../house/run-file.js'
import { print, printJson } from '../output.js'

interface HeadOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly size?: string
  readonly json?: boolean
}

interface FoundHead {
  readonly head: SignedHead
  readonly sample: boolean
}

export function auditHeadCommand(): Command {
  return withAuditPlace(
    new Command('head').description(
      'The newest signed head: who keeps it elsewhere can hold the log to everything that stood in it',
    ),
  )
    .option('--size <n>', 'the head that covers exactly so many entries')
    .option('--json', 'for machines; this is what `audit verify --head FILE` reads')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit audit head\n  $ npx tacit audit head --json > head.json\n',
    )
    .action(async (options: HeadOptions) => {
      const { head, sample } = await findHead(options)
      if (options.json) {
        sayRealm(sample)
        printJson(head)
      } else print(headText(head, sample))
    })
}

async function findHead({ data, log, site, size }: HeadOptions): Promise<FoundHead> {
  const running = log === undefined ? readRunFile(existingLayout(data)) : null
  if (running !== null && size === undefined) {
    const answer = await askInstance(running, `/api/v1/audit/head${queryOf({ site })}`)
    const { head, sample } = JSON.parse(answer) as {
      readonly head: SignedHead | null
      readonly sample: boolean
    }
    return { head: requireSigned(head), sample }
  }
  const copy = await filledCopy(placeOf({ data, log, site }))
  const reading = readingOf(copy)
  const head =
    size === undefined
      ? requireSigned(reading.newestHead())
      : headOfSize(reading.heads(), countOf(size, '--size'))
  return { head, sample: copy.realm === 'sample' }
}

function headOfSize(heads: readonly SignedHead[], size: number): SignedHead {
  const head = heads.findLast((one) => one.size === size)
  if (head !== undefined) return head
  const below = heads.findLast((one) => one.size < size)?.size
  const above = heads.find((one) => one.size > size)?.size
  const near = [below, above].filter((one) => one !== undefined).join(' and ')
  throw new TacitError(
    'ERR_AUDIT_RANGE',
    `No head covers exactly so many entries${near === '' ? '' : `; the nearest cover ${near}`}`,
  )
}

function headText({ log, root, signature, size, time }: SignedHead, sample: boolean): string {
  return [
    ...(sample ? ['Sample data.'] : []),
    `Entries     ${size.toLocaleString('en-GB')}`,
    `Signed      ${time}`,
    `Root        ${root}`,
    `Log id      ${log}`,
    `Signature   ${signature}`,
    '',
    'Keep it where nobody who runs Tacit can write: npx tacit audit head --json > head.json',
  ].join('\n')
}
