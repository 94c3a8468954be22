/** What a person at a terminal sees: tables, progress, and errors that say what to do. */
import { TacitError } from '@tacit/contracts'
import cliProgress from 'cli-progress'

/** 0 done, 1 a check failed, 2 used wrongly, 3 the system could not. */
export const EXIT = { done: 0, failed: 1, usage: 2, system: 3 } as const

export class UsageError extends Error {}

/** Prints one JSON document for machines. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A plain table; numbers are right-aligned. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cells = rows.map((row) =>
    row.map((value) =>
      value === null ? '·' : typeof value === 'number' ? value.toLocaleString('en-GB') : value,
    ),
  )
  const widths = head.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => (row[i] ?? '').length), 0),
  )
  const numeric = head.map((_, i) => rows.some((row) => typeof row[i] === 'number'))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n')
}

export interface Progress {
  update(done: number, note: string): void
  stop(): void
}

/** A bar on a terminal's standard error; nothing elsewhere. */
export function progress(total: number, unit: string): Progress {
  if (!process.stderr.isTTY || total <= 0) return { update: () => {}, stop: () => {} }
  const bar = new cliProgress.SingleBar(
    {
      format: `  {bar} {percentage}%  {value}/{total} ${unit}  {note}`,
      hideCursor: true,
      stream: process.stderr,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  )
  bar.start(total, 0, { note: '' })
  return { update: (done, note) => bar.update(Math.min(done, total), { note }), stop: () => bar.stop() }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (!(error instanceof TacitError)) return EXIT.system
  switch (error.code) {
    case 'ERR_RULEBOOK_INVALID':
    case 'ERR_ACTIVATION_SIGNATURES':
    case 'ERR_ACTIVATION_STRANGER':
    case 'ERR_ACTIVATION_NOTICE':
    case 'ERR_ACTIVATION_POLICY':
    case 'ERR_ACTIVATION_TOO_EARLY':
    case 'ERR_ACTIVATION_EXPIRED':
    case 'ERR_ACTIVATION_APART':
    case 'ERR_ACTIVATION_KEYS':
    case 'ERR_ACTIVATION_PENDING':
    case 'ERR_ACTIVATION_NOTHING':
      return EXIT.failed
    case 'ERR_ACTIVATION_APPROVERS':
    case 'ERR_PROCESS_EXPOSED':
      return EXIT.usage
    case 'ERR_CONFIG_INVALID':
    case 'ERR_AUDIT_RANGE':
    case 'ERR_INPUT_FILE':
    case 'ERR_QUERY_MALFORMED':
    case 'ERR_STATISTIC_UNKNOWN':
    case 'ERR_TLS_FILES':
      return EXIT.usage
    default:
      return EXIT.system
  }
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  /** one of ours, or as the user typed it */
  readonly path?: string
}

/** What Node throws where the operating system refuses: nothing of it is a value of anybody's. */
function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' && 'code' in error
}

/** Says an error on standard error and returns the exit code. Unknown errors say their kind only: no raw values. */
export function reportError(error: unknown): number {
  if (error instanceof UsageError) process.stderr.write(`tacit: ${error.message}\n`)
  else if (error instanceof TacitError) process.stderr.write(`tacit: ${error.message} (${error.code})\n`)
  else if (isSystemError(error)) {
    process.stderr.write(
      `tacit: the system refused to ${error.syscall} ${error.path ?? 'a file'} (${error.code}); look at whether it is there, at its permissions and at the room on the disk\n`,
    )
  } else {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6).join('\n') : ''
    process.stderr.write(
      `tacit: something failed inside (${error instanceof Error ? error.name : 'error'})\n${stack}\n`,
    )
  }
  return exitCodeOf(error)
}
