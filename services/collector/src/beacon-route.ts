/**
 * `POST /v1/beacon` on Node's own request and response: the one hot route. Fastify owns the server and every other
 * route; its routing, body parser and reply cost some µs a beacon that this route has no use for (BENCHMARKS.md).
 * A body is bounded while it is read, and checked to be UTF-8 as bytes.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Address, readSignals } from '@tacit/anonymizer'
import { type Clock, LIMITS, type ProblemCode, parseBeaconText } from '@tacit/contracts'
import { answerNoContent, answerProblem, problemOf } from './answers.js'
import { createAnswerPace } from './answer-pace.js'
import type { Intake, RequestFacts } from './intake.js'
import type { PeerLimit } from './peer-limit.js'

export interface BeaconRouteOptions {
  /** one per realm; the first takes beacons of unknown sites, to count them */
  readonly intakes: readonly Intake[]
  readonly clock: Clock
  /** from the peer and all X-Forwarded-For lines to the client's address */
  readonly clientAddress: (peer: string, rawHeaders: readonly string[]) => Address | null
  readonly peerLimit: PeerLimit
  /** false while nothing durable can be promised; then 503 */
  readonly ready: () => boolean
}

export type BeaconRoute = (request: IncomingMessage, response: ServerResponse) => void

/** A problem after which the rest of the body is not worth reading. */
interface Refusal {
  readonly code: ProblemCode
  readonly close: boolean
}

const TYPES: ReadonlySet<string> = new Set(['application/json', 'text/plain'])

function isOffered(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  if (TYPES.has(contentType)) return true
  const end = contentType.indexOf(';')
  return TYPES.has((end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase())
}

/** The text of a body, or why it is none. */
function textOf(body: Buffer): string | null {
  // Nearly every body is ASCII, which makes a string of one byte a character without decoding.
  if (isAscii(body)) return body.toString('latin1')
  return isUtf8(body) ? body.toString('utf8') : null
}

/** Refuses before the body is read: rate, encoding, type, size, and a log that cannot promise anything. */
function admit(request: IncomingMessage, options: BeaconRouteOptions): Refusal | null {
  const { headers } = request
  if (!options.peerLimit.admit(request.socket.remoteAddress ?? '', options.clock.now())) {
    return { code: 'ERR_REQUEST_RATE', close: false }
  }
  if (headers.host === undefined && request.httpVersion === '1.1') {
    return { code: 'ERR_REQUEST_MALFORMED', close: false }
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return { code: 'ERR_BEACON_CONTENT_ENCODING', close: false }
  }
  if (!options.ready()) return { code: 'ERR_LOG_UNAVAILABLE', close: false }
  if (!isOffered(headers['content-type'])) return { code: 'ERR_BEACON_TYPE', close: false }
  const announced = headers['content-length']
  return announced !== undefined && Number(announced) > LIMITS.bodyBytes
    ? { code: 'ERR_BEACON_TOO_LARGE', close: true }
    : null
}

/** Reads a body of bounded size; calls back once, and not at all where the client goes away. */
function readBody(request: IncomingMessage, done: (body: Buffer | Refusal) => void): void {
  let first: Buffer | null = null
  let chunks: Buffer[] | null = null
  let bytes = 0
  let over = false
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (over) return
    if (bytes > LIMITS.bodyBytes) {
      over = true
      chunks = null
      first = null
      done({ code: 'ERR_BEACON_TOO_LARGE', close: true })
    } else if (first === null) first = chunk
    else {
      chunks ??= [first]
      chunks.push(chunk)
    }
  })
  request.on('end', () => {
    if (over) return
    done(chunks === null ? (first ?? Buffer.alloc(0)) : Buffer.concat(chunks))
  })
  // A client that goes away gets no answer; without a listener its error would end the process.
  request.on('error', () => {})
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** The raw facts of one request. */
function factsOf(request: IncomingMessage, options: BeaconRouteOptions): RequestFacts {
  const { rawHeaders } = request
  const { dnt, gpc } = readSignals(rawHeaders)
  return {
    source: 'beacon',
    address: options.clientAddress(request.socket.remoteAddress ?? '', rawHeaders),
    userAgent: headerOf(request, 'user-agent') ?? '',
    origin: headerOf(request, 'origin'),
    gpc,
    dnt,
  }
}

/** The intake whose rulebook has a site: looked up each time, because rulebooks change while it runs. */
function intakeOf(intakes: readonly Intake[], site: string): Intake | undefined {
  for (const intake of intakes) if (intake.rulebook.sites[site] !== undefined) return intake
  return undefined
}

/** @throws TypeError without an intake */
export function createBeaconRoute(options: BeaconRouteOptions): BeaconRoute {
  const fallback = options.intakes[0]
  if (fallback === undefined) throw new TypeError('a collector needs at least one intake')
  const pace = createAnswerPace()
  return (request, response) => {
    const refusal = admit(request, options)
    if (refusal !== null) {
      // What the client goes on to send is read and forgotten, so that it sees the answer.
      request.resume()
      answerProblem(response, refusal.code, refusal.close)
      return
    }
    readBody(request, (body) => {
      if (!Buffer.isBuffer(body)) {
        answerProblem(response, body.code, body.close)
        return
      }
      pace.begin()
      const text = textOf(body)
      const beacon = text === null ? 'ERR_BEACON_ENCODING' : parseBeaconText(text)
      if (typeof beacon === 'string') {
        pace.end(() => answerProblem(response, beacon))
        return
      }
      const intake = intakeOf(options.intakes, beacon.site) ?? fallback
      intake.accept(beacon, factsOf(request, options), (error) => {
        pace.end(() => {
          if (error === null) answerNoContent(response)
          else answerProblem(response, problemOf(error))
        })
      })
    })
  }
}
