/** What to do about what a verification of the audit log found. */
import type { FindingCode } from './findings.js'

const KEEP =
  'Keep this copy and the directory as they are, as evidence; compare with copies and heads that others keep, and find out who could write there.'
const TAKEOVER =
  'Where a standby took over from a keeper that was lost, a head from the moments before the loss may be contradicted without anybody’s doing: docs/keys-standby.md says when.'
const AGAIN = 'Copy it once more while nobody writes; if it stays so, it was changed.'
const EMPTY =
  'A log has an entry before its keeper answers anybody: if it ever ran, the log was taken away. Bring it back from a copy.'
const CONTRADICTION =
  'The keeper refuses to go on from such a log, so it did not write it: keep it as evidence, and find out who could.'
const LATE =
  'A keeper that was stopped over a deadline destroys the key at its next start: compare with when it ran (boot entries), and with the rulebook’s destroy_key_after of that time (--destroy-after). Anything else is a key that somebody kept.'

const ADVICE: Readonly<Record<FindingCode, string | readonly string[] | null>> = {
  line: KEEP,
  unfinished: AGAIN,
  sequence: KEEP,
  time: KEEP,
  action: 'Verify with the version of Tacit that wrote the log; if that finds it too, the entry was forged.',
  head: 'If you gave this head, give it as `tacit audit head --json` printed it; else it was changed.',
  head_key:
    'Give the key and the heads of the same log: `tacit audit key --json` says its id, which each head names as well.',
  head_signature: KEEP,
  head_order: KEEP,
  dropped_tail: [KEEP, TAKEOVER],
  root: [KEEP, TAKEOVER],
  unsigned:
    'Copy heads.ndjson too, all of it, or give a later head that you kept with --head FILE. Where the keeper has no later heads either, somebody took them away, and what none covers could be written by anybody. A keeper that another one took over from signs no more: of its log alone, what it wrote since is expected here (docs/keys-standby.md).',
  empty: EMPTY,
  key_twice: CONTRADICTION,
  key_order: CONTRADICTION,
  key_late: LATE,
  key_living: LATE,
  more: null,
}

/** What to do about each kind of finding, once, in the order of the findings. */
export function adviceOn(codes: readonly FindingCode[]): readonly string[] {
  return [...new Set(codes.flatMap((code) => ADVICE[code] ?? []))]
}

/** What a verification without a kept head cannot see. */
export const NO_HEAD_NOTE =
  'No head that was kept elsewhere was given: a log whose end was dropped, or written anew, together with its heads could look whole. Bring one: --head FILE'

/** The last line of what failed: which of the two it is. */
export function failureOn(codes: readonly FindingCode[]): string {
  const ofLog = codes.filter((code) => !code.startsWith('key_'))
  if (ofLog.length === 0) {
    return 'FAILED: the log stands as it was signed, and says that not every key lived and died as it must.'
  }
  if (ofLog.every((code) => code === 'head_key')) return 'FAILED: nothing was proven.'
  return ofLog.every((code) => code === 'unsigned' || code === 'empty' || code === 'unfinished')
    ? 'FAILED: that the log is what was signed is not proven.'
    : 'FAILED: the log is not what was signed.'
}
