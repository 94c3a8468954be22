/** A keeper in memory for tests: it keeps what it was asked, and each key that it gave away. */
import { createHash } from 'node:crypto'
import type { AuditEvent, SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { EpochState, KeeperPort, KeyAnswer, PseudonymKeyRequest } from '@tacit/keyring'
import type { KeyRecord } from '../keeper-service.js'
import type { ServedKeeper } from '../remote/routes.js'
import type { Term } from '../remote/wire.js'

export const HEAD: SignedHead = {
  v: 1,
  log: 'memory',
  size: 2,
  root: 'ab'.repeat(32),
  time: '2026-08-05T10:00:00Z',
  signature: 'c2lnbmVk',
}
export const RECORD: KeyRecord = {
  id: 'day:2026-08-05',
  stream: 'day',
  epoch: 'day:2026-08-05',
  created: '2026-08-04T23:50:00Z',
  destroyed: null,
  state: 'open',
  handedTo: ['collector/a'],
  entries: { created: 1, destroyed: null },
  reconciled: null,
}
export const EPOCHS: readonly EpochState[] = [{ label: 'day:2026-08-05', state: 'open' }]
export const LOG_FILE = Buffer.from('{"seq":0}\n{"seq":1}\n')
/** Epoch labels and producers for which there is no key. */
export const CLOSED = 'day:2026-08-01'
export const ABSENT_PRODUCER = 'ffffffffffffffff'

export class MemoryKeeper implements ServedKeeper {
  /** `<principal> <call>`, in order */
  readonly calls: string[] = []
  /** the very buffers that were given away */
  readonly given: Buffer[] = []
  readonly events: AuditEvent[] = []
  termNow = 1
  stateNow: 'primary' | 'standby' | 'fenced' = 'primary'
  /** thrown by every key call */
  failure: Error | null = null
  /** awaited by every key call */
  pause: Promise<void> | null = null

  readonly port = this.door('in-process')
  readonly audit = {
    record: async (events: readonly AuditEvent[]): Promise<void> => {
      this.calls.push('record')
      this.events.push(...events)
    },
    sign: async (): Promise<SignedHead> => HEAD,
    head: async (): Promise<SignedHead | null> => HEAD,
    publicKey: async (): Promise<string> => '-----BEGIN PUBLIC KEY-----',
    read: async (_file: string, offset: number, max: number): Promise<Buffer> =>
      LOG_FILE.subarray(offset, offset + max),
  }

  door(principal: string, _aggregator?: string): KeeperPort {
    const note = (call: string): void => {
      this.calls.push(`${principal} ${call}`)
    }
    return {
      pseudonymKey: async (request): Promise<KeyAnswer> => {
        note('pseudonymKey')
        await this.#ready()
        if (request.epoch === CLOSED) return { state: 'closed' }
        return { state: 'open', key: this.#give(expectedKey(request)) }
      },
      batchKey: async (hour, producer, create) => {
        note(`batchKey ${create}`)
        await this.#ready()
        return producer === ABSENT_PRODUCER ? null : this.#give(expectedKey([hour, producer]))
      },
      destroyLogKey: async (hour, reconciled) => note(`destroyLogKey ${hour} ${reconciled}`),
      epochs: async () => {
        note('epochs')
        return EPOCHS
      },
      reconciled: async (stream, epoch, holds) => note(`reconciled ${stream} ${epoch} ${holds}`),
      obey: async (times) => note(`obey ${Object.values(times).join(' ')}`),
    }
  }

  term(): Term {
    return { count: this.termNow, proof: null }
  }

  state(): 'primary' | 'standby' | 'fenced' {
    return this.stateNow
  }

  async replica(principal: string): Promise<Buffer> {
    this.calls.push(`${principal} replica`)
    return this.#give(expectedKey(['replica'.length, principal]))
  }

  async fence(): Promise<boolean> {
    return true
  }

  async keys(): Promise<readonly KeyRecord[]> {
    return [RECORD]
  }

  async tick(): Promise<never> {
    throw new TacitError('ERR_INTERNAL')
  }

  async close(): Promise<void> {}

  async #ready(): Promise<void> {
    if (this.pause !== null) await this.pause
    if (this.failure !== null) throw this.failure
  }

  #give(key: Buffer): Buffer {
    this.given.push(key)
    return key
  }
}

/** What the memory keeper answers; for the request of a pseudonym key, or (hour, producer). */
export function expectedKey(request: PseudonymKeyRequest | readonly [number, string]): Buffer {
  const key = Buffer.allocUnsafeSlow(32)
  createHash('sha256').update(JSON.stringify(request)).digest().copy(key)
  return key
}
