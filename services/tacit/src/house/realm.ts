/**
 * A realm: one rulebook with keys, log, state and database of its own, and the services that work on them. Real data is
 * one realm, sample data another; they share nothing but the ClickHouse server and the process.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { Aggregator, AggregatorState, soleMember } from '@tacit/aggregator'
import { type Clock, hourOf } from '@tacit/contracts'
import { type EventLog, openLmdbLog } from '@tacit/event-log'
import type { KeeperService } from '@tacit/keeper'
import { createLogKeys, type LogKeys } from '@tacit/keyring'
import { type Rulebook, unitedPlans } from '@tacit/rulebook'
import { openWarehouse, type ServerAddress, type Warehouse } from '@tacit/warehouse'
import { type Ingest, openIngest } from './ingest.js'
import type { RealmLayout } from './layout.js'
import { KeyTimesWord } from './key-times.js'
import type { MasterKey } from './master-key.js'
import { type KeeperAddress, openRealmKeeper } from './realm-keeper.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { beginRecord } from './realm-record.js'
import type { RegisterEvidence } from './register-evidence.js'
import { alarmOf } from './tick-alarm.js'

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

export interface Realm extends Omit<Ingest, 'prepare'> {
  readonly layout: RealmLayout
  /** the one that rules now */
  readonly rulebook: Rulebook
  readonly rulebooks: RealmRulebooks
  /** the register of rulebooks as the audit log knows it; null where there is none */
  readonly registerEvidence: RegisterEvidence | null
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
  await warehouse.takeOver(0)
  return { keeper, log, warehouse, state }
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
  // One holder for sealing and opening, so that an hour is forgotten once for both when it is settled.
  const logKeys: LogKeys = createLogKeys(keeper.port)
  const ingest = await openIngest({
    rulebook,
    notBefore: rulebooks.notBefore,
    clock,
    keeper: keeper.port,
    log,
    logKeys,
    dir: layout.dir,
    ratePerToken: options.ratePerToken,
    ...(options.tokenKeysFile === undefined ? {} : { tokenKeysFile: options.tokenKeysFile }),
    alarm,
  })
  const { commit, intake } = ingest
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
      const rule = ingest.prepare(next, notBefore)
      return () => {
        rule()
        rulebooks.ruleBy(next)
        keyTimes.tell(next)
      }
    },
    rotateTokenKeys: ingest.rotateTokenKeys,
    prefetch: ingest.prefetch,
    async destroyDue() {
      intake.tick(clock.now())
      logKeys.retire(clock.now(), rulebooks.current().keep.logMs)
      alarmOf(await keeper.tick(), alarm)
      await aggregator.dropDestroyed()
    },
    async close() {
      await keyTimes.stop()
      await record?.stop()
      await ingest.close()
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
