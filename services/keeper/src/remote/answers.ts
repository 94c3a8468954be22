/** The answers of the served keeper. Errors are fixed texts by code: nothing of a request is ever echoed. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEMS, type ProblemCode, problemBody, TacitError } from '@tacit/contracts'
import type { KeyAnswer } from '@tacit/keyring'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Answer } from './routes.js'
import { KEY_STATE_HEADER } from './wire.js'

const PROBLEM_TYPE = 'application/problem+json'
const BYTES_TYPE = 'application/octet-stream'

/** The code that may be said of an error. Fastify's own come with the status that they would be answered with. */
export function problemOf(error: unknown): ProblemCode {
  if (error instanceof TacitError) return error.code
  if (error instanceof z.ZodError) return 'ERR_KEEPER_REQUEST'
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return 'ERR_KEEPER_REQUEST_TOO_LARGE'
  return typeof status === 'number' && status >= 400 && status < 500 ? 'ERR_KEEPER_REQUEST' : 'ERR_INTERNAL'
}

export function answerProblem(reply: FastifyReply, code: ProblemCode): FastifyReply {
  // As bytes: to a text Fastify adds a charset, which JSON has none of.
  return reply
    .code(PROBLEMS[code].status)
    .header('content-type', PROBLEM_TYPE)
    .send(Buffer.from(problemBody(code)))
}

export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  switch (answer.as) {
    case 'key':
      return sendKey(reply, answer.answer)
    case 'bytes':
      return reply.type(BYTES_TYPE).send(answer.bytes)
    case 'secret':
      return sendSecret(reply, answer.bytes)
    case 'json':
      return reply.type('application/json').send(JSON.stringify(answer.value))
    case 'nothing':
      return reply.code(204).send()
    default: {
      const never: never = answer
      throw new TypeError(`unknown answer ${String(never)}`)
    }
  }
}

function sendKey(reply: FastifyReply, answer: KeyAnswer): FastifyReply {
  reply.header(KEY_STATE_HEADER, answer.state)
  return answer.state === 'open' ? sendSecret(reply, answer.key) : reply.code(204).send()
}

/** Sends secret bytes past everything that might copy them, and zeroes them once they are out, or can no longer go out. */
function sendSecret(reply: FastifyReply, secret: Buffer): FastifyReply {
  const { raw } = reply
  reply.type(BYTES_TYPE).header('content-length', secret.length)
  const headers = reply.getHeaders()
  reply.hijack()
  if (raw.destroyed || raw.socket === null) {
    secret.fill(0)
    return reply
  }
  raw.once('close', () => secret.fill(0))
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value)
  // The head goes first and alone: Node joins what is written together in memory that nobody zeroes, and OpenSSL
  // encrypts a single buffer from where it is.
  raw.flushHeaders()
  raw.end(secret)
  return reply
}

/** What Node's own parser refuses: answered with a fixed body, then closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code: ProblemCode =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'ERR_REQUEST_TIMEOUT' : 'ERR_KEEPER_REQUEST'
  const { status } = PROBLEMS[code]
  const body = problemBody(code)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
