/**
 * A realm: one rulebook with keys, log, state and database of its own, and the services that work on them. Real data is
 * one realm, sample data another; they share nothing but the ClickHouse server and the process.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { Aggregator, AggregatorState, soleMember } from '@tacit/aggregator'
import {
  type Anonymizer,
  compileAnonymizer,
  createUserAgentReader,
  createWordLearner,
  MAX_RAW_AGE_MS,
  type WordSink,
} from '@tacit/anonymizer'
import { createTokenVerifier, GroupCommit, Intake } from '@tacit/collector'
import { type Clock, epochOf, hourOf } from '@tacit/contracts'
import { type EventLog, openLmdbLog } from '@tacit/event-log'
import type { KeeperService } from '@tacit/keeper'
import {
  createKeyring,
  createLogKeys,
  type Keyring,
  type KeyScope,
  type LogKeys,
  type Prefetched,
} from '@tacit/keyring'
import { type Rulebook, storedPlans, unitedPlans } from '@tacit/rulebook'
import { openWarehouse, type ServerAddress, type Warehouse } from '@tacit/warehouse'
import { compileOptions } from './countries.js'
import type { RealmLayout } from './layout.js'
import { KeyTimesWord } from './key-times.js'
import type { MasterKey } from './master-key.js'
import { type KeeperAddress, openRealmKeeper } from './realm-keeper.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { beginRecord } from './realm-record.js'
import type { RegisterEvidence } from './register-evidence.js'
import { alarmOf } from './tick-alarm.js'
import { loadTokenKeys, watchTokenKeys } from './token-keys.js'
import { WordQueue } from './word-queue.js'

const USER_AGENTS = 20_000

export interface RealmOptions {
  readonly layout: RealmLayout
  readonly rulebook: Rulebook
  readonly clock: Clock
  readonly server: ServerAddress
  /** where the keys lie that verify the ERP's tokens (token-keys.ts); absent: every token is forged */
  readonly tokenKeysFile?: string
  readonly ratePerToken: number
  /** the operator's places of the master key; absent: under the realm's own folder */
  readonly masterKey?: MasterKey
  /** the keeper of another process; absent: one in this process */
  readonly keeperAddress?: KeeperAddress
  /** a driven run receives its data long after their time: all of it is decided by the rulebook that rules now */
  readonly isDriven?: boolean
  /** who works with it, for the audit log; absent: nothing is put on record, nor the register kept by it */
  readonly service?: 'up' | 'import' | 'simulate'
  readonly alarm: (message: string) => void
}

export interface Realm {
  readonly layout: RealmLayout
  /** the one that rules now */
  readonly rulebook: Rulebook
  readonly rulebooks: RealmRulebooks
  /** the register of rulebooks as the audit log knows it; null where there is none */
  readonly registerEvidence: RegisterEvidence | null
  readonly intake: Intake
  readonly commit: GroupCommit
  readonly aggregator: Aggregator
  readonly keeper: KeeperService
  readonly log: EventLog
  readonly warehouse: Warehouse
  readonly state: AggregatorState
  /**
   * Prepares another rulebook: tables and closures. The switch itself is synchronous, so a beacon is decided by the one
   * or by the other.
   * @param notBefore ms: events before are late under it; -Infinity where it begins within a day
   * @returns lets it rule from the next beacon on
   */
  prepare(next: Rulebook, notBefore: number): Promise<() => void>
  /** Takes in token keys that changed since they were last looked at. */
  rotateTokenKeys(): Promise<void>
  /**
   * Opens the epochs that run, and goes on fetching keys of the epochs and the hour that begin next, from ten minutes before.
   * A driven run has no use for it: its keeper is in its own process. @param now ms
   */
  prefetch(now: number): Prefetched
  /** Destroys keys that are due and the partitions that lie under destroyed roots; caches forget. */
  destroyDue(): Promise<void>
  close(): Promise<void>
}

interface Stores {
  readonly keeper: KeeperService
  readonly log: EventLog
  readonly warehouse: Warehouse
  readonly state: AggregatorState
}

async function openStores(
  { layout, server }: RealmOptions,
  keeper: KeeperService,
  rulebooks: RealmRulebooks,
): Promise<Stores> {
  const log = await openLmdbLog({ dir: layout.log })
  const state = AggregatorState.open(layout.state)
  const warehouse = openWarehouse(server, layout.database)
  await warehouse.migrate(unitedPlans(rulebooks.all()))
  return { keeper, log, warehouse, state }
}

/** What is learnt about words begins anew with each rulebook; those that enough people used wait for the privacy team. */
function learnWords({ release }: Rulebook, { alarm, clock, layout }: RealmOptions): WordSink {
  const queue = new WordQueue(layout.dir)
  return createWordLearner({
    release,
    clock,
    found: (word) => {
      try {
        queue.add(word)
      } catch {
        // A beacon does not fail for it, and the cause may quote the word.
        alarm('a word that should wait for the privacy team could not be written; look at the disk')
      }
    },
  })
}

/**
 * Opens the epochs that run, and by being used here those that come next: not by the first event, when a root was made would
 * tell the second of it. A keeper that does not answer is asked again, as by a beacon.
 */
function openEpochs(keyring: Keyring, { epochs }: Rulebook, now: number): void {
  for (const stream of epochs.streams) {
    const { label } = epochOf(stream, now)
    const scope: KeyScope = { of: 'tenants' }
    if (keyring.peek(stream, label, scope) === undefined) keyring.load(stream, label, scope).catch(() => {})
  }
}

function both(first: Prefetched, second: Prefetched): Prefetched {
  return { wanted: first.wanted + second.wanted, held: first.held + second.held }
}

/** Opens a realm's stores and builds its services; nothing runs yet. */
export async function openRealm(options: RealmOptions): Promise<Realm> {
  const { layout } = options
  const rulebooks = new RealmRulebooks(layout, options.rulebook, options.isDriven === true)
  mkdirSync(layout.dir, { recursive: true, mode: 0o700 })
  const keeper = await openRealmKeeper(options)
  try {
    return await realmOf(options, keeper, rulebooks)
  } catch (error) {
    // What it put on record is signed, and its keys are zeroed.
    await keeper.close()
    throw error
  }
}

async function realmOf(
  options: RealmOptions,
  keeper: KeeperService,
  rulebooks: RealmRulebooks,
): Promise<Realm> {
  const { alarm, clock, layout, rulebook } = options
  const stores = await openStores(options, keeper, rulebooks)
  const { log, state, warehouse } = stores
  const keyring: Keyring = createKeyring(keeper.port, rulebook.purpose.id, {
    clock,
    onUnavailable: () => alarm('the keeper cannot be reached; events whose keys are not here are dropped'),
    onUnreadable: () =>
      alarm(
        'the keeper has roots that its master key does not open (ERR_KEY_MASTER); events that need them are dropped: bring the right master key file back, and start the keeper again',
      ),
  })
  // One holder for sealing and opening, so that an hour is forgotten once for both when it is settled.
  const logKeys: LogKeys = createLogKeys(keeper.port)
  const agents = createUserAgentReader({ maxEntries: USER_AGENTS, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const compile = (book: Rulebook, notBefore: number): Anonymizer =>
    compileAnonymizer(book, {
      ...compileOptions(book, agents, clock),
      plans: storedPlans(book),
      notBefore,
      words: learnWords(book, options),
    })
  const commit = new GroupCommit({ log, logKeys, clock, rulebook: rulebook.hash })
  const intake = new Intake({
    rulebook,
    anonymizer: compile(rulebook, rulebooks.notBefore),
    keyring,
    commit,
    tokens: createTokenVerifier(await loadTokenKeys(options.tokenKeysFile), clock),
    clock,
    ratePerToken: options.ratePerToken,
  })
  const tokenKeys = watchTokenKeys(options.tokenKeysFile, alarm)
  const aggregator = new Aggregator({
    rulebooks,
    log,
    membership: soleMember(log, state),
    logKeys,
    keeper: keeper.port,
    evidence: keeper.audit,
    state,
    warehouse,
    alarm,
  })
  // What comes live is of no hour before this one: what is left of those is finished on the way.
  await aggregator.finishMoves(options.isDriven === true ? 0 : hourOf(clock.now()))
  const keyTimes = new KeyTimesWord(keeper.port, options)
  keyTimes.tell(rulebook)
  const { service } = options
  const record =
    service === undefined
      ? null
      : await beginRecord({
          service,
          rulebook: rulebook.hash,
          register: rulebooks.register,
          audit: keeper.audit,
          alarm,
        })
  const registerEvidence = record?.registerEvidence ?? null
  rulebooks.believe(registerEvidence)
  return {
    layout,
    get rulebook() {
      return intake.rulebook
    },
    rulebooks,
    registerEvidence,
    intake,
    commit,
    aggregator,
    ...stores,
    async prepare(next, notBefore) {
      await warehouse.migrate(unitedPlans([...rulebooks.all(), next]))
      const anonymizer = compile(next, notBefore)
      return () => {
        intake.ruleBy(next, anonymizer)
        rulebooks.ruleBy(next)
        keyTimes.tell(next)
      }
    },
    async rotateTokenKeys() {
      const keys = await tokenKeys.look()
      if (keys !== null) intake.replaceTokenKeys(keys)
    },
    prefetch(now) {
      openEpochs(keyring, intake.rulebook, now)
      return both(keyring.prefetch(now), logKeys.prefetch(now, commit.producer))
    },
    async destroyDue() {
      intake.tick(clock.now())
      logKeys.retire(clock.now(), rulebooks.current().keep.logMs)
      alarmOf(await keeper.tick(), alarm)
      await aggregator.dropDestroyed()
    },
    async close() {
      await keyTimes.stop()
      await record?.stop()
      await commit.drain().catch(() => {})
      keyring.close()
      logKeys.close()
      await log.close()
      await state.close()
      await keeper.close()
      await warehouse.close()
    },
  }
}

/** Whether a realm holds anything yet. */
export function realmExists(layout: RealmLayout): boolean {
  return existsSync(layout.rulebook)
}
