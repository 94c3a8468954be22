/** HTTP by bytes: what no client library would send, and every byte that comes back. */
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  /** status line and headers as they came */
  readonly head: string
  /** by lower-case name */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface SendOptions {
  /** ends our side once everything is sent, as a client does that gives up */
  readonly halfClose?: boolean
  /** the same after so many ms without enough answers */
  readonly halfCloseAfterMs?: number
  /** answers to wait for before the connection is closed by us; default 1 */
  readonly answers?: number
  /** for answers to HEAD, which have no body whatever their length says */
  readonly noBody?: boolean
}

const TIMEOUT_MS = 10_000

/**
 * Sends bytes over a connection of their own.
 * @returns the answers that came until there were enough, or until the server closed
 */
export function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  options: SendOptions = {},
): Promise<readonly Answer[]> {
  const wanted = options.answers ?? 1
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = Buffer.alloc(0)
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('no answer in time'))
    }, TIMEOUT_MS)
    const giveUp =
      options.halfCloseAfterMs === undefined
        ? undefined
        : setTimeout(() => socket.end(), options.halfCloseAfterMs)
    const finish = () => {
      clearTimeout(timer)
      clearTimeout(giveUp)
      socket.destroy()
      resolve(parseAnswers(received, options.noBody === true))
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (parseAnswers(received, options.noBody === true).length >= wanted) finish()
    })
    // A server that answers and closes while we still write resets the connection: the answer counts.
    socket.on('error', finish)
    socket.on('close', finish)
    socket.write(bytes, () => {
      if (options.halfClose === true) socket.end()
    })
  })
}

/** Sends one request and wants exactly one whole answer. */
export async function exchange(
  port: number,
  bytes: string | Uint8Array,
  options: SendOptions = {},
): Promise<Answer> {
  const [answer] = await sendRaw(port, bytes, options)
  if (answer === undefined) throw new Error('the connection ended without an answer')
  return answer
}

/** The whole answers at the start of what came. */
export function parseAnswers(bytes: Buffer, noBody: boolean): Answer[] {
  const answers: Answer[] = []
  const text = bytes.toString('latin1')
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const head = text.slice(at, end)
    const [first = '', ...lines] = head.split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const length = noBody ? 0 : Number(headers['content-length'] ?? 0)
    const bodyAt = end + 4
    if (text.length < bodyAt + length) break
    const body = bytes.toString('utf8', bodyAt, bodyAt + length)
    answers.push({ status: Number(first.split(' ')[1]), head, headers, body })
    at = bodyAt + length
  }
  return answers
}

export interface PostOptions {
  readonly method?: string
  readonly path?: string
  /** replaces or adds; null leaves the header out */
  readonly headers?: Readonly<Record<string, string | null>>
}

/** The bytes of one request for the beacon's path. */
export function requestBytes(body: string | Uint8Array, options: PostOptions = {}): Buffer {
  const payload = typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body)
  const headers: Record<string, string | null> = {
    host: 'collector.example.in',
    'content-type': 'application/json',
    'content-length': String(payload.length),
    ...options.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  )
  const head = `${options.method ?? 'POST'} ${options.path ?? '/v1/beacon'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), payload])
}

/** Posts a body and gives back the answer. */
export function post(port: number, body: string | Uint8Array, options: PostOptions = {}): Promise<Answer> {
  return exchange(port, requestBytes(body, options))
}
