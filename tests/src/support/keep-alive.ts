/** Requests by bytes over connections that live on: one request at a time each, as browsers and proxies do. */
import { connect, type Socket } from 'node:net'
import { type Answer, parseAnswers } from './raw-http.js'

const TIMEOUT_MS = 10_000

/** One connection, made anew where the server ended it. */
export class KeptConnection {
  readonly #port: number
  #socket: Socket | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** Sends one request. @throws Error where no whole answer came in time */
  send(bytes: Uint8Array): Promise<Answer> {
    const socket = this.#connected()
    return new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0)
      const settle = (answer: Answer | null): void => {
        clearTimeout(timer)
        socket.off('data', take).off('close', end).off('error', end)
        if (answer?.headers['connection'] === 'close' || answer === null) this.close()
        if (answer === null) reject(new Error('no whole answer came'))
        else resolve(answer)
      }
      const take = (chunk: Buffer): void => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const [answer] = parseAnswers(received, false)
        if (answer !== undefined) settle(answer)
      }
      const end = (): void => settle(parseAnswers(received, false)[0] ?? null)
      const timer = setTimeout(end, TIMEOUT_MS)
      socket.on('data', take).on('close', end).on('error', end)
      socket.write(bytes)
    })
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #connected(): Socket {
    if (this.#socket?.writable !== true) {
      const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
      // An error between two requests ends the connection, and the next request makes another.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (this.#socket === socket) this.#socket = null
      })
      this.#socket = socket
    }
    return this.#socket as Socket
  }
}

/** Sends many requests over `concurrency` connections. @returns the answers in the order of the requests */
export async function sendAll(
  port: number,
  requests: readonly Uint8Array[],
  concurrency: number,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    const connection = new KeptConnection(port)
    try {
      while (next < requests.length) {
        const at = next++
        answers[at] = await connection.send(requests[at] as Uint8Array)
      }
    } finally {
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return answers
}
