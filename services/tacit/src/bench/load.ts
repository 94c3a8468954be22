/**
 * Closed-loop HTTP load over raw sockets: each of the connections sends a ready request, waits for the whole answer,
 * sends the next. No HTTP client is used, because it would cost the load's core as much as the server does its own.
 */
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  readonly answers: number
  /** answers that were not `204` */
  readonly others: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const NO_CONTENT = Buffer.from('HTTP/1.1 204')

interface Tally {
  answers: number
  others: number
  readonly latenciesNs: number[]
}

function startConnection(
  port: number,
  requests: readonly Buffer[],
  from: number,
  tally: Tally,
  until: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = from
    let sentAt = 0n
    let open: Buffer = Buffer.alloc(0)
    const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const send = () => {
      if (Date.now() >= until) {
        socket.end()
        resolve()
        return
      }
      const request = requests[next] as Buffer
      next = (next + 1) % requests.length
      sentAt = process.hrtime.bigint()
      socket.write(request)
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      open = open.length === 0 ? chunk : Buffer.concat([open, chunk])
      // A 204 has no body, so an answer ends with its head.
      if (!open.subarray(-4).equals(HEAD_END)) return
      tally.latenciesNs.push(Number(process.hrtime.bigint() - sentAt))
      tally.answers++
      if (!open.subarray(0, NO_CONTENT.length).equals(NO_CONTENT)) tally.others++
      open = Buffer.alloc(0)
      send()
    })
  })
}

function percentile(sorted: readonly number[], share: number): number {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1e6
}

/** Loads a server on loopback for `seconds`. */
export async function load(
  port: number,
  requests: readonly Buffer[],
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const tally: Tally = { answers: 0, others: 0, latenciesNs: [] }
  const started = Date.now()
  const stride = Math.floor(requests.length / connections)
  await Promise.all(
    Array.from({ length: connections }, (_, i) =>
      startConnection(port, requests, i * stride, tally, started + seconds * 1000),
    ),
  )
  const sorted = tally.latenciesNs.sort((a, b) => a - b)
  return {
    answers: tally.answers,
    others: tally.others,
    seconds: (Date.now() - started) / 1000,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  }
}
