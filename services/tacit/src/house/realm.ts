/**
 * A realm: one rulebook with keys, log, state and database of its own, and the services that work on them. Real data is
 * one realm, sample data another; they share nothing but the ClickHouse server and the process.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { Aggregator, AggregatorState } from '@tacit/aggregator'
import {
  type Anonymizer,
  compileAnonymizer,
  createUserAgentReader,
  createWordLearner,
  MAX_RAW_AGE_MS,
  type WordSink,
} from '@tacit/anonymizer'
import { createTokenVerifier, GroupCommit, Intake } from '@tacit/collector'
import type { Clock } from '@tacit/contracts'
import { type EventLog, openLmdbLog } from '@tacit/event-log'
import { type Keeper, openKeeper } from '@tacit/keeper'
import { createKeyring, createLogKeys, type Keyring, type LogKeys } from '@tacit/keyring'
import { type Rulebook, storedPlans, unitedPlans } from '@tacit/rulebook'
import { openWarehouse, type ServerAddress, type Warehouse } from '@tacit/warehouse'
import { compileOptions } from './countries.js'
import type { RealmLayout } from './layout.js'
import { RealmRulebooks } from './realm-rulebooks.js'
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
  /** a driven run receives its data long after their time: all of it is decided by the rulebook that rules now */
  readonly isDriven?: boolean
  readonly alarm: (message: string) => void
}

export interface Realm {
  readonly layout: RealmLayout
  /** the one that rules now */
  readonly rulebook: Rulebook
  readonly rulebooks: RealmRulebooks
  readonly intake: Intake
  readonly commit: GroupCommit
  readonly aggregator: Aggregator
  readonly keeper: Keeper
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
  /** Destroys keys that are due and the partitions that lie under destroyed roots; caches forget. */
  destroyDue(): Promise<void>
  close(): Promise<void>
}

interface Stores {
  readonly keeper: Keeper
  readonly log: EventLog
  readonly warehouse: Warehouse
  readonly state: AggregatorState
}

async function openStores(options: RealmOptions, rulebooks: RealmRulebooks): Promise<Stores> {
  const { clock, layout, rulebook, server } = options
  mkdirSync(layout.dir, { recursive: true, mode: 0o700 })
  const keeper = await openKeeper({
    dir: layout.keys,
    clock,
    streams: rulebook.epochs.streams,
    latenessMs: rulebook.epochs.latenessMs,
    destroyKeyAfterMs: rulebook.epochs.destroyKeyAfterMs,
    logKeyLifeMs: rulebook.keep.logMs,
  })
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

/** Opens a realm's stores and builds its services; nothing runs yet. */
export async function openRealm(options: RealmOptions): Promise<Realm> {
  const { alarm, clock, layout, rulebook } = options
  const rulebooks = new RealmRulebooks(layout, rulebook, options.isDriven === true)
  const stores = await openStores(options, rulebooks)
  const { keeper, log, state, warehouse } = stores
  const keyring: Keyring = createKeyring(keeper.port, rulebook.purpose.id, { clock })
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
  const aggregator = new Aggregator({ rulebooks, log, logKeys, keeper: keeper.port, state, warehouse, alarm })
  return {
    layout,
    get rulebook() {
      return intake.rulebook
    },
    rulebooks,
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
        keeper.obey({ ...next.epochs, logKeyLifeMs: next.keep.logMs })
      }
    },
    async rotateTokenKeys() {
      const keys = await tokenKeys.look()
      if (keys !== null) intake.replaceTokenKeys(keys)
    },
    async destroyDue() {
      intake.tick(clock.now())
      const { failed, lost } = await keeper.tick()
      if (failed.length > 0) alarm(`the destruction of ${failed.join(', ')} failed and is tried again`)
      if (lost.length > 0) alarm(`the key file of ${lost.join(', ')} is gone`)
      await aggregator.dropDestroyed()
    },
    async close() {
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
