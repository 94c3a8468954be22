/**
 * Preloaded into a process that is to die at a named point: `node --import kill-points.js …` with TACIT_TEST_KILL_AT.
 * It stands between the product and Node's own modules, so the product knows nothing of it.
 *
 * Points: `seal` and `open` (a batch), `answer` (a 204), and requests to ClickHouse as `<what>.before` (nothing is
 * sent), `<what>.sent` (the server has it all, no answer yet) and `<what>.after` (answered); of Kafka, kafka-points.ts.
 */
import crypto from 'node:crypto'
import { writeSync } from 'node:fs'
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { watchKafka } from './kafka-points.js'

interface Wanted {
  readonly point: string
  readonly nth?: number
  readonly afterMs?: number
}

const wanted = JSON.parse(process.env['TACIT_TEST_KILL_AT'] ?? '{"point":"none"}') as Wanted
let left = wanted.nth ?? 1

/** What a test looks for in the output: a run that never reached its point fails. */
function die(): void {
  writeSync(2, `reached ${wanted.point}\n`)
  process.kill(process.pid, 'SIGKILL')
}

function reach(point: string): void {
  if (point !== wanted.point || --left !== 0) return
  if (wanted.afterMs === undefined) die()
  else setTimeout(die, wanted.afterMs)
}

/** Statements by what they do; the first that matches. */
const STATEMENTS: readonly (readonly [string, RegExp])[] = [
  ['land', /INSERT INTO \S*landing_/],
  ['settle', /INSERT INTO \S*staging_/],
  ['drop-landing', /ALTER TABLE \S*landing_\S* (?:DELETE|DROP PARTITION ID '(?!99999999))/],
  ['cells', /INSERT INTO \S*cells/],
  ['clean', /INSERT INTO \S*clean_|CREATE TABLE \S*clean_/],
  ['drop-epoch', /ALTER TABLE \S*staging_\S* DROP PARTITION ID '(?!99999999)/],
]

function statementOf(text: string): string | null {
  return STATEMENTS.find(([, pattern]) => pattern.test(text))?.[0] ?? null
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk.slice(0, 2_000)
  return chunk instanceof Uint8Array ? Buffer.from(chunk.subarray(0, 2_000)).toString('latin1') : ''
}

/** Watches one request to ClickHouse: the statement stands in its address or at the start of its body. */
function watch(request: http.ClientRequest): http.ClientRequest {
  let what: string | null | undefined
  const look = (chunk: unknown): void => {
    if (what !== undefined) return
    const address = decodeURIComponent(request.path.replaceAll('+', ' '))
    what = statementOf(address) ?? statementOf(textOf(chunk))
    if (what !== null) reach(`${what}.before`)
  }
  const { end, write } = request
  request.write = ((...args: Parameters<typeof write>) => {
    look(args[0])
    return write.apply(request, args)
  }) as typeof write
  request.end = ((...args: Parameters<typeof end>) => {
    look(args[0])
    return end.apply(request, args)
  }) as typeof end
  request.prependListener('finish', () => {
    if (typeof what === 'string') reach(`${what}.sent`)
  })
  request.prependListener('response', () => {
    if (typeof what === 'string') reach(`${what}.after`)
  })
  return request
}

const { request } = http
http.request = ((...args: Parameters<typeof request>) => watch(request(...args))) as typeof request

const { createCipheriv, createDecipheriv } = crypto
crypto.createCipheriv = ((...args: Parameters<typeof createCipheriv>) => {
  reach('seal')
  return createCipheriv(...args)
}) as typeof createCipheriv
crypto.createDecipheriv = ((...args: Parameters<typeof createDecipheriv>) => {
  reach('open')
  return createDecipheriv(...args)
}) as typeof createDecipheriv

const { writeHead } = http.ServerResponse.prototype
http.ServerResponse.prototype.writeHead = function (
  this: http.ServerResponse,
  ...args: Parameters<typeof writeHead>
) {
  if (args[0] === 204) reach('answer')
  return writeHead.apply(this, args)
} as typeof writeHead

watchKafka(reach)
syncBuiltinESMExports()
