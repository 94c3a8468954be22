import {
  type AuditEntry,
  type ConsistencyProof,
  type InclusionProof,
  type KeyProof,
  keyProof,
  type LogReading,
  type SignedHead,
} from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { keyRecordsOf } from '@tacit/keeper'
import { Command } from 'commander'
import { readingOf } from '../house/audit-copy.js'
import {
  countOf,
  filledCopy,
  placeOf,
  requireSigned,
  sayRealm,
  withAuditPlace,
} from '../house/audit-place.js'
import { entryLine } from '../house/audit-proofs.js'
import { writeOutput } from '../house/written-files.js'
import { print, printJson, UsageError } from '../output.js'

interface ProveOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly key?: string
  readonly entry?: string
  readonly from?: string
  readonly to?: string
  readonly out?: string
  readonly json?: boolean
}

export function auditProveCommand(): Command {
  return withAuditPlace(
    new Command('prove').description(
      'A document that proves without the log: that a key died, one entry, or that nothing changed between two heads',
    ),
  )
    .option('--key <id>', 'a key: that it was made and destroyed, against the newest head')
    .option('--entry <n>', 'or: an entry, against the newest head')
    .option('--from <size>', 'or: the size of an earlier head that you kept')
    .option('--to <size>', 'the size of a later one (default: the newest)')
    .option('--out <file>', 'write it there (default: standard output)')
    .option('--json', 'for machines: on one line')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit audit prove --key day:2026-11-20 --out proof.json\n  $ npx tacit audit prove --entry 7 --out proof.json\n  $ npx tacit audit prove --from 120 --out proof.json\n\nCheck one, by a head of its size and the key:\n  $ npx tacit audit verify --proof proof.json --head head.json --key public.pem\n',
    )
    .action(prove)
}

async function prove(options: ProveOptions): Promise<void> {
  const { data, entry, from, json, key, log, out, site, to } = options
  if ([entry, from, key].filter((one) => one !== undefined).length !== 1) {
    throw new UsageError(
      'Name a key with --key ID, an entry with --entry N, or the size of an earlier head with --from SIZE',
    )
  }
  const copy = await filledCopy(placeOf({ data, log, site }))
  const reading = readingOf(copy)
  const newest = requireSigned(reading.newestHead())
  const proof =
    key !== undefined
      ? proofOfKey(key, reading, newest)
      : entry === undefined
        ? reading.consistencyProof(
            countOf(from ?? '', '--from'),
            to === undefined ? newest.size : countOf(to, '--to'),
          )
        : reading.inclusionProof(signedEntry(countOf(entry, '--entry'), newest), newest.size)
  sayRealm(copy.realm === 'sample')
  if (out === undefined) {
    print(JSON.stringify(proof, null, json === true ? undefined : 2))
    // Standard output is the document.
    for (const one of json === true ? [] : entriesOf(proof)) process.stderr.write(`${entryLine(one)}\n`)
    return
  }
  writeOutput(out, `${JSON.stringify(proof)}\n`, { option: '--out' })
  if (json) printJson({ kind: proof.kind, file: out })
  else print([`${out}: ${proofText(proof)}`, ...entriesOf(proof).map(entryLine)].join('\n'))
}

/** The entries that it proves. */
function entriesOf(proof: InclusionProof | ConsistencyProof | KeyProof): readonly AuditEntry[] {
  if (proof.kind === 'key') return [proof.created.entry, proof.destroyed.entry]
  return proof.kind === 'inclusion' ? [proof.entry] : []
}

/** @throws TacitError ERR_AUDIT_RANGE where it was never made, lives, or died after the newest head */
function proofOfKey(key: string, reading: LogReading, newest: SignedHead): KeyProof {
  const record = keyRecordsOf(reading.entries()).find(({ id }) => id === key)
  if (record === undefined) {
    throw new TacitError('ERR_AUDIT_RANGE', 'The log knows no such key; `tacit keys` lists their ids')
  }
  const { created, destroyed } = record.entries
  if (destroyed === null)
    throw new TacitError('ERR_AUDIT_RANGE', 'This key lives: there is no death to prove')
  return keyProof(
    key,
    reading.inclusionProof(signedEntry(created, newest), newest.size),
    reading.inclusionProof(signedEntry(destroyed, newest), newest.size),
  )
}

function signedEntry(seq: number, { size }: SignedHead): number {
  if (seq <= size) return seq
  throw new TacitError(
    'ERR_AUDIT_RANGE',
    `The newest head covers ${String(size)} entries, not this one yet; one is signed every hour`,
  )
}

function proofText(proof: InclusionProof | ConsistencyProof | KeyProof): string {
  if (proof.kind === 'key') {
    return `that ${proof.key} was made and destroyed. Its head: npx tacit audit head --size ${String(proof.created.size)} --json`
  }
  if (proof.kind === 'inclusion') {
    return `that entry ${String(proof.seq)} is among the first ${String(proof.size)}. Its head: npx tacit audit head --size ${String(proof.size)} --json`
  }
  return `that the first ${String(proof.from)} of ${String(proof.to)} entries stand as they did. The later head: npx tacit audit head --size ${String(proof.to)} --json`
}
