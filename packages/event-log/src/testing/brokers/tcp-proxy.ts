/**
 * A way between clients and a server that can be made bad: hanging, slow, narrow, cut or refused, in both directions,
 * without touching the server.
 *
 * Invariants: bytes keep their order and none is lost or made up while a connection lives; a direction holds at most
 * about MAX_HELD bytes, then its sender is made to wait. `heal` ends every fault; what hung goes on.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const HOST = '127.0.0.1'
const MAX_HELD = 1024 * 1024
/** A limited direction passes pieces, so that a slow one flows instead of jerking. */
const PIECE = 4 * 1024

interface Held {
  readonly bytes: Buffer
  /** when it may go on, by `performance.now()` */
  readonly due: number
}

/** Resolves when a socket takes more, or never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      socket.off('drain', end).off('close', end)
      resolve()
    }
    socket.on('drain', end).on('close', end)
  })
}

/**
 * Resets a connection; one that has a write or its end under way is only closed, because Node 20 waits for those for ever
 * when the process ends, and at full speed.
 */
function reset(socket: Socket): void {
  if (socket.connecting || socket.writableLength > 0 || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

export class TcpProxy {
  readonly port: number
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #delayMs = 0
  #bytesPerSecond = Infinity
  /** when the narrow way is free again, by `performance.now()`; all directions share it */
  #freeAt = 0
  #hanging: { readonly over: Promise<void>; readonly end: () => void } | null = null

  /** @param port where it listens @param target where it leads; both on loopback */
  constructor(port: number, target: number) {
    this.port = port
    this.#target = target
  }

  /** Listens. @throws Error (EADDRINUSE) */
  async open(): Promise<void> {
    if (this.#server !== null) return
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#join(client))
    server.listen(this.port, HOST)
    await once(server, 'listening')
    this.#server = server
  }

  /** Connections are accepted and kept, and nothing comes through. */
  hang(): void {
    if (this.#hanging !== null) return
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#hanging = { over, end }
  }

  /** Each direction comes later by so much. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** No more than that comes through, all connections and both directions taken together. */
  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
    this.#freeAt = 0
  }

  /** Resets the connections that are open; new ones are welcome. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket)
  }

  /** Resets the connections that are open, and refuses new ones. */
  async refuse(): Promise<void> {
    const server = this.#server
    this.#server = null
    const closed = server === null ? null : new Promise((resolve) => server.close(resolve))
    this.cut()
    await closed
  }

  /** Ends every fault. */
  async heal(): Promise<void> {
    this.#delayMs = 0
    this.limit(Infinity)
    this.#hanging?.end()
    this.#hanging = null
    await this.open()
  }

  async close(): Promise<void> {
    await this.refuse()
    this.#hanging?.end()
  }

  #join(client: Socket): void {
    const upstream = connect({ port: this.#target, host: HOST, allowHalfOpen: true, noDelay: true })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket)
      // An error is the end of both: `close` follows it.
      socket.on('error', () => undefined)
      socket.on('close', (hadError) => {
        this.#sockets.delete(socket)
        if (hadError) reset(other)
      })
      void this.#pump(socket, other)
    }
  }

  /** One direction, from the first byte to the end. */
  async #pump(from: Socket, to: Socket): Promise<void> {
    const queue: Held[] = []
    let held = 0
    let hasEnded = false
    let wake = (): void => undefined
    from.on('data', (bytes: Buffer) => {
      queue.push({ bytes, due: performance.now() + this.#delayMs })
      held += bytes.length
      if (held > MAX_HELD) from.pause()
      wake()
    })
    for (const event of ['end', 'close'] as const) {
      from.on(event, () => {
        hasEnded = true
        wake()
      })
    }
    to.on('close', () => wake())
    while (!to.destroyed) {
      const next = queue.shift()
      if (next === undefined) {
        if (hasEnded) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      await this.#pass(next, to)
      held -= next.bytes.length
      if (held <= MAX_HELD) from.resume()
    }
    await this.#hanging?.over
    to.end()
  }

  async #pass({ bytes, due }: Held, to: Socket): Promise<void> {
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    for (let at = 0; at < bytes.length && !to.destroyed; ) {
      const piece = this.#bytesPerSecond === Infinity ? bytes.subarray(at) : bytes.subarray(at, at + PIECE)
      at += piece.length
      await this.#narrow(piece.length)
      await this.#hanging?.over
      if (!to.destroyed && !to.write(piece)) await drained(to)
    }
  }

  async #narrow(bytes: number): Promise<void> {
    if (this.#bytesPerSecond === Infinity) return
    const now = performance.now()
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes / this.#bytesPerSecond) * 1_000
    await sleep(this.#freeAt - now)
  }
}
