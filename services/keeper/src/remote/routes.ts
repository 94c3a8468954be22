/** What may be asked of a keeper over the network, by whom, and what answers it. */
import type { AuditAction, AuditEvent } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { KeeperPort, KeyAnswer } from '@tacit/keyring'
import type { z } from 'zod'
import type { KeeperService } from '../keeper-service.js'
import { PULL, PULL_BODY, type Pull } from '../standby/replica-wire.js'
import type { Role } from './identity.js'
import { PATHS, REQUESTS, type Term } from './wire.js'

/** A keeper that can be asked by others than its own process. */
export interface ServedKeeper extends KeeperService {
  /**
   * The door of one principal, `<role>/<name>`: its name goes on record with what it is given. Made for each call.
   * @param aggregator the same party’s name as an aggregator, if it is one too: hours in which it seals wait for it
   */
  door(principal: string, aggregator?: string): KeeperPort
  /** How many times a standby took over before this keeper was the primary, never going down; a standby's has no proof. */
  term(): Term
  /** A `standby` waits, a `fenced` one was taken over from: neither answers. */
  state(): 'primary' | 'standby' | 'fenced'
  /**
   * Answers a standby of a name with what it lacks, secrets included; it may take some seconds.
   * @returns bytes for the caller to zero (standby/replica-wire.ts)
   */
  replica(principal: string, pull: Pull): Promise<Buffer>
  /**
   * Somebody saw a keeper of this term, higher than this one's. Where they prove it, this keeper is no primary any more, for
   * good: at once in memory, and on disk on return.
   * @returns whether they do
   */
  fence(seen: Term): Promise<boolean>
}

export type Answer =
  | { readonly as: 'key'; readonly answer: KeyAnswer }
  | { readonly as: 'bytes'; readonly bytes: Buffer }
  /** secret bytes in memory of their own, zeroed once they are out */
  | { readonly as: 'secret'; readonly bytes: Buffer }
  | { readonly as: 'json'; readonly value: unknown }
  | { readonly as: 'nothing' }

/** One call by one principal. */
export interface Call {
  readonly keeper: ServedKeeper
  readonly principal: string
  /** who its certificate says that it is as an aggregator, if anybody */
  readonly aggregator: string | undefined
}

export interface Route {
  readonly path: string
  readonly roles: readonly Role[]
  readonly bodyLimit: number
  /** @throws z.ZodError where the body is not what the contract says; else what the keeper throws */
  answer(body: unknown, call: Call): Promise<Answer>
}

const SMALL_BODY = 8_192
const RECORD_BODY = 1_048_576
const NOTHING: Answer = { as: 'nothing' }

const READERS: readonly Role[] = ['operator', 'aggregator', 'standby']

/** What each role has to put on record; of keys and of takeovers only the keeper itself tells. */
const RECORDS = {
  aggregator: [
    'boot',
    'clock.confirmed',
    'clock.jumped',
    'provenance.failed',
    'release.committed',
    'retention.dropped',
    'rulebook.recorded',
  ],
  collector: ['boot', 'clock.confirmed', 'clock.jumped'],
} as const satisfies Partial<Readonly<Record<Role, readonly AuditAction[]>>>

const mayRecord = (principal: string, action: string): boolean =>
  Object.entries(RECORDS).some(
    ([role, actions]) => principal.startsWith(`${role}/`) && actions.some((known) => known === action),
  )

function route<T>(
  path: string,
  roles: readonly Role[],
  schema: z.ZodType<T>,
  answer: (request: T, call: Call) => Promise<Answer>,
  bodyLimit = SMALL_BODY,
): Route {
  return { path, roles, bodyLimit, answer: async (body, call) => answer(schema.parse(body), call) }
}

const keyOrNone = (key: Buffer | null): Answer => ({
  as: 'key',
  answer: key === null ? { state: 'absent' } : { state: 'open', key },
})

const KEY_ROUTES: readonly Route[] = [
  route(PATHS.pseudonymKey, ['collector'], REQUESTS.pseudonymKey, async (request, { keeper, principal }) => ({
    as: 'key',
    answer: await keeper.door(principal).pseudonymKey(request),
  })),
  route(
    PATHS.batchKey,
    // A collector seals; what others sealed it has no business to open.
    ['aggregator'],
    REQUESTS.batchKey,
    async ({ hour, producer }, { keeper, principal }) =>
      keyOrNone(await keeper.door(principal).batchKey(hour, producer, false)),
  ),
  route(
    PATHS.makeBatchKey,
    ['collector'],
    REQUESTS.batchKey,
    async ({ hour, producer }, { aggregator, keeper, principal }) =>
      keyOrNone(await keeper.door(principal, aggregator).batchKey(hour, producer, true)),
  ),
  route(
    PATHS.destroyLogKey,
    ['aggregator'],
    REQUESTS.destroyLogKey,
    async ({ hour, reconciled }, { keeper, principal }) => {
      await keeper.door(principal).destroyLogKey(hour, reconciled)
      return NOTHING
    },
  ),
  route(
    PATHS.epochs,
    ['collector', 'aggregator'],
    REQUESTS.epochs,
    async ({ stream }, { keeper, principal }) => ({
      as: 'json',
      value: await keeper.door(principal).epochs(stream),
    }),
  ),
  route(
    PATHS.reconciled,
    ['aggregator'],
    REQUESTS.reconciled,
    async ({ stream, epoch, holds }, { keeper, principal }) => {
      await keeper.door(principal).reconciled(stream, epoch, holds)
      return NOTHING
    },
  ),
  route(PATHS.obey, ['aggregator'], REQUESTS.obey, async (times, { keeper, principal }) => {
    await keeper.door(principal).obey(times)
    return NOTHING
  }),
  route(PATHS.keys, READERS, REQUESTS.nothing, async (_, { keeper }) => ({
    as: 'json',
    value: await keeper.keys(),
  })),
]

const AUDIT_ROUTES: readonly Route[] = [
  route(
    PATHS.record,
    ['aggregator', 'collector'],
    REQUESTS.record,
    async ({ events }, { keeper, principal }) => {
      if (!events.every(({ action }) => mayRecord(principal, action)))
        throw new TacitError('ERR_KEEPER_REFUSED')
      // Who says it is what the certificate says, not what the body says.
      const said = events.map((event) => ({ ...event, actor: principal }) as AuditEvent)
      // The log itself looks at the rest: it takes no object that is not of its forms.
      await keeper.audit.record(said)
      return NOTHING
    },
    RECORD_BODY,
  ),
  route(PATHS.sign, ['aggregator'], REQUESTS.nothing, async (_, { keeper }) => ({
    as: 'json',
    value: await keeper.audit.sign(),
  })),
  route(PATHS.head, READERS, REQUESTS.nothing, async (_, { keeper }) => ({
    as: 'json',
    value: await keeper.audit.head(),
  })),
  route(PATHS.publicKey, READERS, REQUESTS.nothing, async (_, { keeper }) => ({
    as: 'json',
    value: { publicKey: await keeper.audit.publicKey() },
  })),
  route(PATHS.read, READERS, REQUESTS.read, async ({ file, offset, max }, { keeper }) => ({
    as: 'bytes',
    bytes: await keeper.audit.read(file, offset, max),
  })),
]

const REPLICA_ROUTE = route(
  PATHS.replica,
  ['standby'],
  PULL,
  async (pull, { keeper, principal }) => ({ as: 'secret', bytes: await keeper.replica(principal, pull) }),
  PULL_BODY,
)

export const ROUTES: readonly Route[] = [...KEY_ROUTES, ...AUDIT_ROUTES, REPLICA_ROUTE]
