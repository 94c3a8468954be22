/**
 * HTTP in front of a real ClickHouse server, for what a healthy one does not do: it refuses, hangs, resets, answers with
 * an error, in the middle of an answer or after a 200, or lets an insert arrive later than its sender waits.
 *
 * Invariants: a request without a fault passes as it is, byte for byte. A fault meets requests that its pattern names, in
 * order, each once unless it is kept; `reached` counts them, so that a test knows whether its fault happened.
 * `heal` ends every fault, and lets go of whatever hangs.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerAddress } from '@tacit/warehouse'

/** `passes`: the server gets the request and does its work; what it answers is thrown away. */
export type Fault =
  /** the connection is kept, and nothing comes */
  | { readonly kind: 'hang'; readonly passes: boolean }
  /** reset before or in the middle of the request's body, after it, after the server's work, or in the middle of its answer */
  | { readonly kind: 'reset'; readonly at: 'head' | 'body' | 'sent' | 'done' | 'answer' }
  /** as a proxy on the way answers */
  | { readonly kind: 'status'; readonly status: number; readonly passes: boolean }
  /** as ClickHouse answers, with its error number */
  | { readonly kind: 'code'; readonly code: number; readonly passes: boolean }
  /** 200, and the error number in a header */
  | { readonly kind: 'header'; readonly code: number; readonly passes: boolean }
  /** 200, the first half of the answer, then an exception as ClickHouse writes it into a body */
  | { readonly kind: 'exception'; readonly code: number }
  /** the sender is cut off at once; the server gets the request at `release` */
  | { readonly kind: 'late' }
  /** passes with these settings added, as if a profile of the server's had them */
  | { readonly kind: 'settings'; readonly settings: Readonly<Record<string, string>> }
  /** passes, its body and its answer in pieces */
  | { readonly kind: 'slow'; readonly pieceMs: number }
  /** passes, and its connection is closed behind it without a word, as after an idle time */
  | { readonly kind: 'close' }

interface Armed {
  readonly pattern: RegExp
  readonly fault: Fault
  /** met by every request, not by one */
  readonly stays: boolean
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

const SECRET = 'alice@example.in'
const PIECES = 8

export class FaultProxy {
  /** requests that met a fault */
  reached = 0
  /** statements that came, in order; data of inserts is not among them */
  readonly statements: string[] = []
  readonly #target: ServerAddress
  readonly #server: Server
  readonly #armed: Armed[] = []
  readonly #held: Asked[] = []
  #letGo = new AbortController()

  private constructor(target: ServerAddress) {
    this.#target = target
    this.#server = createServer((req, res) => {
      // What went wrong was wanted, or the client sees it.
      this.#serve(req, res).catch(() => req.socket.destroy())
    })
    this.#server.keepAliveTimeout = 30_000
  }

  /** Listens on a free port of loopback. */
  static async open(target: ServerAddress): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    proxy.#port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  #port = 0

  /** Where the warehouse goes instead of to the server. */
  get address(): ServerAddress {
    return { ...this.#target, url: `http://127.0.0.1:${String(this.#port)}` }
  }

  /** The next requests whose statement matches meet these faults, one each. */
  next(pattern: RegExp, ...faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ pattern, fault, stays: false })))
  }

  /** Every request whose statement matches meets this fault until `heal`. */
  always(pattern: RegExp, fault: Fault): void {
    this.#armed.push({ pattern, fault, stays: true })
  }

  /** Nobody listens any more; open connections are cut. */
  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async heal(): Promise<void> {
    this.#armed.length = 0
    this.#letGo.abort()
    this.#letGo = new AbortController()
    if (this.#server.listening) return
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Passes on what was held back, in order. @returns how many requests */
  async release(): Promise<number> {
    const held = this.#held.splice(0)
    for (const asked of held) await this.#pass(asked)
    return held.length
  }

  async close(): Promise<void> {
    this.#letGo.abort()
    if (this.#server.listening) await this.refuse()
  }

  #faultOf(statement: string): Fault | null {
    const at = this.#armed.findIndex(({ pattern }) => pattern.test(statement))
    const armed = this.#armed[at]
    if (armed === undefined) return null
    if (!armed.stays) this.#armed.splice(at, 1)
    this.reached += 1
    return armed.fault
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    req.on('error', () => undefined)
    const path = req.url ?? '/'
    const url = new URL(path, 'http://proxy')
    const named = url.searchParams.get('query')
    const early = named === null ? null : this.#faultOf(named)
    if (early?.kind === 'reset' && early.at === 'head') return cut(req)
    if (early?.kind === 'reset' && early.at === 'body') {
      req.once('data', () => cut(req))
      return
    }
    const asked = { method: req.method ?? 'POST', path, headers: req.headers, body: await buffer(req) }
    // The statement of an insert stands in the address; that of others is the body, or a part of it.
    const statement = named ?? asked.body.toString('utf8')
    this.statements.push(statement)
    await this.#answer(asked, early ?? (named === null ? this.#faultOf(statement) : null), req, res)
  }

  async #answer(asked: Asked, fault: Fault | null, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (fault === null) return write(res, await this.#pass(asked))
    switch (fault.kind) {
      case 'hang':
        if (fault.passes) await this.#pass(asked)
        await aborted(this.#letGo.signal)
        return cut(req)
      case 'reset':
        if (fault.at === 'answer') return cutAnswer(req, res, await this.#pass(asked))
        if (fault.at === 'done') await this.#pass(asked)
        return cut(req)
      case 'late':
        this.#held.push(asked)
        return cut(req)
      case 'settings':
        return write(res, await this.#pass(withSettings(asked, fault.settings)))
      case 'slow':
        return writeSlowly(res, await this.#pass(asked), fault.pieceMs)
      case 'close':
        write(res, await this.#pass(asked))
        res.once('finish', () => setImmediate(() => req.socket.destroy()))
        return
      case 'exception':
        return writeException(req, res, await this.#pass(asked), fault.code)
      case 'status':
      case 'code':
      case 'header':
        if (fault.passes) await this.#pass(asked)
        return write(res, refusal(fault))
    }
  }

  async #pass({ body, headers, method, path }: Asked): Promise<Answer> {
    const { 'transfer-encoding': _chunked, connection: _own, ...kept } = headers
    const outgoing = request(`${this.#target.url}${path}`, {
      method,
      headers: { ...kept, 'content-length': String(body.length) },
      // A connection kept alive would hold up the server's end.
      agent: false,
    })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
  }
}

function cut({ socket }: IncomingMessage): void {
  socket.resetAndDestroy()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function headersOf({ body, headers }: Answer): Record<string, string | string[] | undefined> {
  const { 'transfer-encoding': _chunked, connection: _own, 'keep-alive': _too, ...kept } = headers
  return { ...kept, 'content-length': String(body.length) }
}

function write(res: ServerResponse, answer: Answer): void {
  res.writeHead(answer.status, headersOf(answer)).end(answer.body)
}

async function writeSlowly(res: ServerResponse, answer: Answer, pieceMs: number): Promise<void> {
  res.writeHead(answer.status, headersOf(answer))
  const size = Math.max(1, Math.ceil(answer.body.length / PIECES))
  for (let at = 0; at < answer.body.length; at += size) {
    await sleep(pieceMs)
    res.write(answer.body.subarray(at, at + size))
  }
  res.end()
}

/** Promises the whole answer and gives half of it. */
function cutAnswer(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
  res.writeHead(answer.status, headersOf(answer))
  res.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)), () => cut(req))
}

/** Whole lines of the answer, then the exception between its marks: `ExceptionKeepingTransform` and `WriteBufferFromHTTPServerResponse`. */
function writeException(req: IncomingMessage, res: ServerResponse, answer: Answer, code: number): void {
  const tag = 'abcdefghijklmnop'
  const lines = answer.body.toString('utf8').split('\n')
  const half = lines.slice(0, Math.ceil(lines.length / 2)).join('\n')
  const message = `Code: ${String(code)}. DB::Exception: of ${SECRET}\n`
  const end = `\r\n__exception__\r\n${tag}\r\n${message}${String(message.length)} ${tag}\r\n__exception__\r\n`
  const { 'content-length': _whole, ...headers } = headersOf(answer)
  res.writeHead(200, { ...headers, 'x-clickhouse-exception-tag': tag })
  res.write(`${half}\n${end}`, () => req.socket.destroy())
}

function refusal(fault: Extract<Fault, { kind: 'status' | 'code' | 'header' }>): Answer {
  // Whatever it says quotes data, which must not come out anywhere.
  if (fault.kind === 'status') {
    return { status: fault.status, headers: {}, body: Buffer.from(`<html>${SECRET}</html>`) }
  }
  const headers = { 'x-clickhouse-exception-code': String(fault.code) }
  if (fault.kind === 'header') return { status: 200, headers, body: Buffer.alloc(0) }
  const text = `Code: ${String(fault.code)}. DB::Exception: Cannot take "${SECRET}". (SOME_NAME) (version 26.7.2.1)`
  return { status: 500, headers, body: Buffer.from(text) }
}

function withSettings(asked: Asked, settings: Readonly<Record<string, string>>): Asked {
  const url = new URL(asked.path, 'http://proxy')
  for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value)
  return { ...asked, path: `${url.pathname}${url.search}` }
}
