/** The keeper of another process, as those who work with it see it: the same as one in their own. */
import type { SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { type EpochState, type KeeperPort, KEY_BYTES, type KeyAnswer } from '@tacit/keyring'
import type { z } from 'zod'
import type { AuditService, KeeperService, KeyRecord } from '../keeper-service.js'
import type { TickReport } from '../root-registry.js'
import type { Reply } from './connection.js'
import { KeeperFailover } from './failover.js'
import type { TlsFilesOptions, TlsSource } from './tls-files.js'
import { ANSWERS, MAX_READ_BYTES, PATHS } from './wire.js'

/** An answer about keys is small; the list of every root that ever was grows for years. */
const SMALL_ANSWER = 65_536
const LIST_ANSWER = 67_108_864
const DEFAULT_TIMEOUT_MS = 5_000

export interface KeeperConnectionOptions {
  /** the primary and its standby, in any order: `https://host:port` */
  readonly urls: readonly string[]
  /** files are read again when they change */
  readonly tls: TlsSource
  /** ms that one keeper has for an answer, after which the next is asked; default 5,000 */
  readonly timeoutMs?: number
  /** when the files are looked at, and who is told that changed ones are not used */
  readonly watch?: TlsFilesOptions
}

export interface RemoteKeeper extends KeeperService {
  /** Looks at the TLS files now. */
  lookAtFiles(): void
}

/**
 * A keeper over mutual TLS 1.3. Nothing is asked yet. Its calls fail with TacitError ERR_KEEPER_UNAVAILABLE (try again),
 * ERR_KEEPER_UNTRUSTED, ERR_KEEPER_REFUSED (of the wrong role, or with a certificate that is not accepted),
 * ERR_KEEPER_REQUEST, or what the keeper says of its own store. `tick` does nothing: that keeper ticks by itself.
 * @throws TacitError ERR_TLS_FILES, ERR_CONFIG_INVALID
 */
export function connectKeeper(options: KeeperConnectionOptions): RemoteKeeper {
  const { urls, tls, timeoutMs = DEFAULT_TIMEOUT_MS, watch = {} } = options
  const keepers = new KeeperFailover(urls, tls, timeoutMs, watch)
  return {
    port: portOver(keepers),
    audit: auditOver(keepers),
    keys: (): Promise<readonly KeyRecord[]> => askJson(keepers, PATHS.keys, {}, ANSWERS.keys, LIST_ANSWER),
    tick: async (): Promise<TickReport> => ({ closed: [], destroyed: [], lost: [], failed: [] }),
    lookAtFiles: () => keepers.lookAtFiles(),
    close: () => keepers.close(),
  }
}

function portOver(keepers: KeeperFailover): KeeperPort {
  return {
    pseudonymKey: ({ purpose, stream, epoch, scope }) =>
      askKey(keepers, PATHS.pseudonymKey, { purpose, stream, epoch, scope }),
    async batchKey(hour, producer, create) {
      const path = create ? PATHS.makeBatchKey : PATHS.batchKey
      const answer = await askKey(keepers, path, { hour, producer })
      return answer.state === 'open' ? answer.key : null
    },
    destroyLogKey: (hour, reconciled) => tell(keepers, PATHS.destroyLogKey, { hour, reconciled }),
    epochs: (stream): Promise<readonly EpochState[]> =>
      askJson(keepers, PATHS.epochs, { stream }, ANSWERS.epochs, LIST_ANSWER),
    reconciled: (stream, epoch, holds) => tell(keepers, PATHS.reconciled, { stream, epoch, holds }),
    obey: ({ latenessMs, destroyKeyAfterMs, logKeyLifeMs }) =>
      tell(keepers, PATHS.obey, { latenessMs, destroyKeyAfterMs, logKeyLifeMs }),
  }
}

function auditOver(keepers: KeeperFailover): AuditService {
  return {
    async record(events) {
      await keepers.call({ path: PATHS.record, body: { events }, once: true, maxBytes: SMALL_ANSWER })
    },
    sign: (): Promise<SignedHead> => askJson(keepers, PATHS.sign, {}, ANSWERS.signed),
    head: (): Promise<SignedHead | null> => askJson(keepers, PATHS.head, {}, ANSWERS.head),
    publicKey: async () => (await askJson(keepers, PATHS.publicKey, {}, ANSWERS.publicKey)).publicKey,
    async read(file, offset, max) {
      const body = { file, offset, max: Math.min(max, MAX_READ_BYTES) }
      return (await keepers.call({ path: PATHS.read, body, maxBytes: body.max })).body
    },
  }
}

async function tell(keepers: KeeperFailover, path: string, body: object): Promise<void> {
  await keepers.call({ path, body, maxBytes: SMALL_ANSWER })
}

async function askKey(keepers: KeeperFailover, path: string, body: object): Promise<KeyAnswer> {
  const reply = await keepers.call({ path, body, secret: true, maxBytes: SMALL_ANSWER })
  const state = reply.keyState
  if (reply.status === 204 && (state === 'closed' || state === 'absent')) return { state }
  if (reply.status === 200 && state === 'open' && reply.body.length === KEY_BYTES) {
    return { state, key: reply.body }
  }
  reply.body.fill(0)
  throw foreign()
}

async function askJson<T>(
  keepers: KeeperFailover,
  path: string,
  body: object,
  schema: z.ZodType<T>,
  maxBytes = SMALL_ANSWER,
): Promise<T> {
  const reply: Reply = await keepers.call({ path, body, maxBytes })
  try {
    return schema.parse(JSON.parse(reply.body.toString()))
  } catch {
    throw foreign()
  }
}

function foreign(): TacitError {
  return new TacitError(
    'ERR_KEEPER_UNAVAILABLE',
    'The keeper’s answer is not of this version: run the same version on both sides',
  )
}
