/**
 * The auditor's script: `tacit-audit-verify.mjs`, one file that needs nothing but Node 20 or newer. It is bundled from
 * here, so what it runs is the verification of the log itself.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { adviceOn, failureOn, NO_HEAD_NOTE } from './advice.js'
import { checkProof, proofKindOf } from './check-proof.js'
import type { AuditEntry } from './entry-line.js'
import { ENTRIES, HEADS, PUBLIC_KEY } from './files.js'
import { givenFiles } from './given-files.js'
import { DESTROY_AFTER_MS, GRACE_MS, type LifeRules, readSpan } from './key-lives.js'
import { type LogCopy, type Verification, verifyLog } from './verify-log.js'

const USAGE = `Verifies a copy of Tacit's audit log with the public key alone.

  node tacit-audit-verify.mjs ENTRIES_FILE_OR_DIR --key public.pem [--head head.json]...
       [--destroy-after 48h] [--grace 10m] [--json]
  node tacit-audit-verify.mjs --proof proof.json --key public.pem --head head.json [--json]

ENTRIES_FILE_OR_DIR  ${ENTRIES}, or the directory with it and ${HEADS}
--key FILE           the log's public key, from a place that its keeper cannot write to
--head FILE          a signed head that you kept; give every one you have: only they show a dropped tail
--proof FILE         instead: a proof of \`tacit audit prove\`, against --head and --key, without the log
--destroy-after SPAN how long after its end an epoch's key may live (rulebook: destroy_key_after; default 48h)
--grace SPAN         how much later it may die; the keeper looks once a minute (default 10m)
--json               { "ok", "entries", "signed", "unsigned", "head", "findings", "notes" }; of a proof { "ok", "kind", "entries" }

Exit code: 0 as signed and every key destroyed in time, or the proof holds; 1 something was found, or it does not;
2 wrong use, or a file is not there or not what it must be; 3 the log cannot be read.
`

const CHUNK_BYTES = 1_048_576

/** What is printed, and how it ended. */
export interface Outcome {
  readonly code: 0 | 1 | 2 | 3
  readonly out: string
  readonly err: string
}

/** @param args those after the script's name */
export function runVerify(args: readonly string[]): Outcome {
  const options = readOptions(args)
  if (typeof options === 'string') return { code: 2, out: '', err: `${options}\n\n${USAGE}` }
  if (options === null) return { code: 0, out: USAGE, err: '' }
  try {
    return options.proof === null ? verifyCopy(options, options.path) : verifyProof(options, options.proof)
  } catch (error) {
    if (error instanceof WrongUse) return { code: 2, out: '', err: `${error.message}\n` }
    const reason = error instanceof Error ? error.message : String(error)
    return { code: 3, out: '', err: `Cannot read it: ${reason}\n` }
  }
}

class WrongUse extends Error {}

const given = givenFiles((message) => new WrongUse(message))

function verifyCopy(options: Options, path: string): Outcome {
  const result = verifyLog(readCopy(options, path))
  const notes = options.heads.length === 0 ? [NO_HEAD_NOTE] : []
  const out = options.json ? `${JSON.stringify({ ...result, notes })}\n` : report(result, notes)
  return { code: result.ok ? 0 : 1, out, err: '' }
}

function verifyProof({ heads, json, key }: Options, path: string): Outcome {
  const publicKey = given.publicKey(key)
  const { hint, value: proof } = given.document(path)
  const kind = proofKindOf(proof)
  if (kind === null) throw new WrongUse(`${path} is not a proof${hint}`)
  if (heads.length === 0 || (kind === 'consistency' && heads.length !== 2)) {
    throw new WrongUse(
      kind === 'consistency'
        ? 'That nothing changed between two heads is checked against both: give --head twice.'
        : 'A proof is checked against a head: give it with --head FILE.',
    )
  }
  const { claim, entries, ok } = checkProof(proof, heads.map(given.head), publicKey)
  const lines = ok
    ? [`OK: ${claim}`, ...entries.map(entryText)]
    : [
        `FAILED: ${claim}`,
        'Look whether proof, heads and key are of the same log, and the heads of the proof’s sizes.',
      ]
  return {
    code: ok ? 0 : 1,
    out: json ? `${JSON.stringify({ ok, kind, entries })}\n` : `${lines.join('\n')}\n`,
    err: '',
  }
}

function entryText({ action, actor, object, seq, time }: AuditEntry): string {
  return `Entry ${String(seq)}, written ${time} by ${actor}: ${action} ${JSON.stringify(object)}`
}

interface Options {
  /** empty where a proof is given */
  readonly path: string
  readonly proof: string | null
  readonly key: string
  readonly heads: readonly string[]
  readonly lives: LifeRules
  readonly json: boolean
}

/** @returns null where help was asked for; a sentence where it is wrong use */
function readOptions(args: readonly string[]): Options | string | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        head: { type: 'string', multiple: true, default: [] },
        proof: { type: 'string' },
        'destroy-after': { type: 'string' },
        grace: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return null
    const [path, ...rest] = positionals
    if ((path === undefined) === (values.proof === undefined) || rest.length > 0) {
      return 'Give one file or directory, or one proof with --proof.'
    }
    if (values.key === undefined) return 'Give the public key with --key.'
    const destroyAfterMs = spanOf(values['destroy-after'], DESTROY_AFTER_MS)
    const graceMs = spanOf(values.grace, GRACE_MS)
    if (destroyAfterMs === null || graceMs === null) return 'Give spans of time such as 48h, 2d or 10m.'
    return {
      path: path ?? '',
      proof: values.proof ?? null,
      key: values.key,
      heads: values.head,
      lives: { destroyAfterMs, graceMs },
      json: values.json,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const spanOf = (text: string | undefined, otherwise: number): number | null =>
  text === undefined ? otherwise : readSpan(text)

function readCopy({ heads, key, lives }: Options, path: string): LogCopy {
  requireThere(path)
  const isDirectory = statSync(path).isDirectory()
  const publicKey = given.publicKey(key)
  const kept = { earlierHeads: heads.map(given.head), headNames: heads.map((head) => basename(head)) }
  const of = (name: string): string => join(path, name)
  // Its key alone is a log whose entries somebody took away; nothing at all is another folder.
  const isEmptied = isDirectory && !existsSync(of(ENTRIES)) && existsSync(of(PUBLIC_KEY))
  if (isDirectory && !isEmptied) requireThere(of(ENTRIES))
  const entries = isEmptied ? [] : chunksOf(isDirectory ? of(ENTRIES) : path)
  // The heads first: entries that are written meanwhile do no harm, heads of entries that were not read would.
  const file = isDirectory && existsSync(of(HEADS)) ? { heads: readFileSync(of(HEADS)) } : {}
  return { ...file, ...kept, entries, publicKey, lives }
}

function requireThere(path: string): void {
  if (!existsSync(path)) throw new WrongUse(`There is no file ${path}`)
}

function* chunksOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r')
  try {
    // One for all: nobody keeps what is in it.
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (;;) {
      const length = readSync(file, chunk)
      if (length === 0) return
      yield chunk.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

function report(
  { ok, entries, signed, unsigned, head, findings }: Verification,
  notes: readonly string[],
): string {
  const lines = findings.map(({ text }) => text)
  if (head !== null) {
    const { size, time, root } = head
    lines.push(`Newest head that holds: ${String(size)} entries, signed ${time}, root ${root}`)
  }
  const rest = unsigned === 0 ? '' : `; ${String(unsigned)} after the newest head not proven`
  const codes = findings.map(({ code }) => code)
  const last = ok
    ? [`OK: ${String(signed)} entries as signed${rest}.`]
    : [`${failureOn(codes)} (${String(entries)} entries)`, ...adviceOn(codes)]
  return `${[...lines, ...last, ...notes].join('\n')}\n`
}
