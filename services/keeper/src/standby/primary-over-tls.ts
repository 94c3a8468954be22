/** How a standby asks its primary: over mutual TLS 1.3, with a certificate of the role `standby`. */
import { type ProblemCode, TacitError } from '@tacit/contracts'
import { KeeperConnection, type Reply, Unanswered } from '../remote/connection.js'
import { failureOf, originOf } from '../remote/failover.js'
import { openTlsFiles, type TlsFilesOptions, type TlsSource } from '../remote/tls-files.js'
import { NO_TERM, PATHS, problemCodeOf } from '../remote/wire.js'
import type { AskPrimary, Primary } from './follower.js'
import { HOLD_MS } from './replica-source.js'
import { MAX_PAGE } from './replica-wire.js'

/** For making a connection, and for an answer besides the time that the primary keeps a question. */
const CONNECT_MS = 3_000
const ANSWER_MS = 4_000

export interface PrimaryOverTls extends Primary {
  /** Looks at the TLS files now. */
  lookAtFiles(): void
}

/**
 * @param url `https://host:port` @param tls files are read again when they change
 * @throws TacitError ERR_TLS_FILES, ERR_CONFIG_INVALID
 */
export function primaryOverTls(url: string, tls: TlsSource, watch: TlsFilesOptions = {}): PrimaryOverTls {
  const origin = originOf(url)
  const closing = new AbortController()
  const ending = new Set<Promise<void>>()
  let connection: KeeperConnection | undefined
  /** the highest that was stated since the start */
  let stated = NO_TERM
  const end = (former: KeeperConnection): void => {
    const ended = former.close().finally(() => ending.delete(ended))
    ending.add(ended)
  }
  const files = openTlsFiles(
    tls,
    (set) => {
      const former = connection
      connection = new KeeperConnection(origin, set, CONNECT_MS)
      if (former !== undefined) end(former)
    },
    watch,
  )
  const ask: AskPrimary = async (pull, term) => {
    if (connection === undefined || closing.signal.aborted) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
    const abort = new AbortController()
    const giveUp = (): void => abort.abort()
    const timer = setTimeout(giveUp, HOLD_MS + ANSWER_MS)
    closing.signal.addEventListener('abort', giveUp)
    try {
      const call = { path: PATHS.replica, body: pull, secret: true, maxBytes: MAX_PAGE }
      const seen = stated.count === term ? stated : { count: term, proof: null }
      const reply = await connection.ask(call, seen, abort.signal)
      if (reply.term !== null && reply.term.count >= stated.count) stated = reply.term
      return pageOf(reply)
    } catch (error) {
      throw error instanceof Unanswered ? failureOf(error) : error
    } finally {
      clearTimeout(timer)
      closing.signal.removeEventListener('abort', giveUp)
    }
  }
  return {
    ask,
    lookAtFiles: () => files.look(),
    async close() {
      files.close()
      closing.abort()
      if (connection !== undefined) end(connection)
      await Promise.all(ending)
    },
  }
}

function pageOf({ status, term, body }: Reply): { page: Buffer; term: number } {
  if (status === 200 && term !== null) return { page: body, term: term.count }
  const code: ProblemCode = problemCodeOf(body) ?? 'ERR_KEEPER_UNAVAILABLE'
  body.fill(0)
  throw new TacitError(code)
}
