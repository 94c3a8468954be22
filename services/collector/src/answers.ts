/** The few fixed answers of the edge. Nothing of a request is ever echoed. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEMS, type ProblemCode, problemBody, TacitError } from '@tacit/contracts'

/** Seconds after which a client may try again. */
const RETRY_AFTER_S = 2

/** Fastify's and Node's own errors, by their stable codes, to ours. */
const FRAMEWORK_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'ERR_REQUEST_MALFORMED',
  FST_ERR_ASYNC_CONSTRAINT: 'ERR_REQUEST_MALFORMED',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'ERR_BEACON_TYPE',
}

/** Node's parser errors to ours; all others say that it is no HTTP. */
const PARSER_CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'ERR_REQUEST_HEADERS_TOO_LARGE',
  HPE_INVALID_EOF_STATE: 'ERR_BEACON_INCOMPLETE',
  ERR_HTTP_REQUEST_TIMEOUT: 'ERR_REQUEST_TIMEOUT',
}

/** The code that may be said of an error: what fails inside is 503 where it passes, else 500. */
export function problemOf(error: unknown): ProblemCode {
  if (error instanceof TacitError) return error.status >= 500 ? 'ERR_LOG_UNAVAILABLE' : error.code
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return (typeof code === 'string' ? FRAMEWORK_CODES[code] : undefined) ?? 'ERR_INTERNAL'
}

function problemHeaders(code: ProblemCode): Record<string, string> {
  const { status } = PROBLEMS[code]
  return {
    'content-type': 'application/problem+json',
    'access-control-allow-origin': '*',
    ...(status === 503 || status === 429
      ? { 'retry-after': String(RETRY_AFTER_S), 'access-control-expose-headers': 'Retry-After' }
      : {}),
    ...(status === 405 ? { allow: 'POST, OPTIONS' } : {}),
  }
}

/** @param close ends the connection after the answer: the rest of the request is not read */
export function answerProblem(response: ServerResponse, code: ProblemCode, close = false): void {
  if (response.headersSent || response.destroyed) return
  const body = problemBody(code)
  response.writeHead(PROBLEMS[code].status, {
    ...problemHeaders(code),
    'content-length': Buffer.byteLength(body),
    ...(close ? { connection: 'close' } : {}),
  })
  response.end(body)
}

const NO_CONTENT_HEADERS = ['access-control-allow-origin', '*']

/** The answer to accepted and dropped beacons alike. */
export function answerNoContent(response: ServerResponse): void {
  response.writeHead(204, NO_CONTENT_HEADERS)
  response.end()
}

/** HTTP that Node's own parser refuses: answered with a fixed body, then closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code = PARSER_CODES[error.code ?? ''] ?? 'ERR_REQUEST_MALFORMED'
  const { status } = PROBLEMS[code]
  const body = problemBody(code)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      `content-type: application/problem+json\r\naccess-control-allow-origin: *\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
