/** A signed head of the audit log as a mail: for a privacy team that has no instance of Tacit, and may need it in years. */
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { counted } from '../counted.js'

export interface Mail {
  readonly to: string
  /** a program and its arguments, as `sendmail -t`, that takes a message (RFC 5322) on standard input */
  readonly command: string
}

/** Why a head did not reach its place, in fixed words. */
export class NotDelivered extends Error {}

const partsOf = (command: string): readonly string[] => command.split(/\s+/).filter((part) => part !== '')

/** @throws TacitError ERR_CONFIG_INVALID where the system would not find the program */
export function requireMailProgram({ command }: Mail, env: NodeJS.ProcessEnv): void {
  const [program = ''] = partsOf(command)
  const places = program.includes('/')
    ? [program]
    : (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program))
  if (program !== '' && places.some(isProgram)) return
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    'TACIT_AUDIT_MAIL_TO needs a mail program, and the one of TACIT_AUDIT_MAIL_COMMAND (unset: sendmail -t) is not there: install it, or name one by its whole path',
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Hands the message to the program. @throws NotDelivered */
export function sendMail({ command, to }: Mail, head: SignedHead, timeoutMs: number): Promise<void> {
  const [program = '', ...args] = partsOf(command)
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], timeout: timeoutMs })
    child.on('error', () => reject(new NotDelivered('there is no such program')))
    child.on('close', (code) => {
      if (code === 0) resolve()
      else if (code === null) reject(new NotDelivered('the program did not end in time'))
      else reject(new NotDelivered(`the program ended with ${String(code)}`))
    })
    // A program that does not read to the end says why by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(messageOf(to, head))
  })
}

function messageOf(to: string, head: SignedHead): string {
  const { log, size, time } = head
  const entries = counted(size, 'entry', 'entries')
  return [
    `To: ${to}`,
    `Subject: Tacit audit log: ${String(size)} entries, ${time}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'Auto-Submitted: auto-generated',
    '',
    'Keep this message where nobody who runs Tacit can change it.',
    '',
    `It is a signed head of Tacit's audit log: it covers the first ${entries} of`,
    `the log, every word of them, as they stood at ${time}. They say when`,
    'each key was made and destroyed, which statistics were published, and which',
    'rules ruled; of a person they say nothing. Whoever changes, removes or adds one',
    'among them later cannot hide it from you, for you hold this message.',
    '',
    'To check that, now or in years, nobody needs an instance of Tacit:',
    '',
    '1. Save the line in braces below as head.json.',
    '2. Ask who runs Tacit for a copy of the folder audit/ of its data directory',
    '   (DATA/main/audit), which holds no secret.',
    '3. Take the public key of the log, public.pem, that you were given once at the',
    '   beginning (`npx tacit audit key`), not one that comes with the copy. Its id:',
    `   ${log}`,
    '4. Take the single-file script tacit-audit-verify.mjs, from a release of Tacit or',
    '   from `npx tacit audit script --out tacit-audit-verify.mjs`. It needs only Node.',
    '5. Run: node tacit-audit-verify.mjs audit/ --key public.pem --head head.json',
    '',
    'It ends with OK where the log still begins with what this head covers; else it',
    'says what is not so, and what to do.',
    '',
    JSON.stringify(head),
    '',
  ].join('\r\n')
}
