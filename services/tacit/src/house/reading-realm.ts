/**
 * A realm that is only read: its stores without its keys. A keeper that is opened finishes destructions, declares roots
 * lost and signs heads, by the clock it is handed; so here is none. Keys and the audit log are read from a copy of its
 * files (audit-copy.ts).
 *
 * Invariant: not a byte of the keys' or the audit log's folder changes, and none is made.
 */
import { Aggregator, AggregatorState, soleMember } from '@tacit/aggregator'
import { TacitError } from '@tacit/contracts'
import { type EventLog, openLmdbLog } from '@tacit/event-log'
import { createLogKeys, type KeeperPort } from '@tacit/keyring'
import { type Rulebook, unitedPlans } from '@tacit/rulebook'
import { openWarehouse, type ServerAddress } from '@tacit/warehouse'
import type { RealmLayout } from './layout.js'
import type { ReadRealm } from './reader.js'
import { RealmRulebooks } from './realm-rulebooks.js'

export interface ReadingRealm extends ReadRealm {
  close(): Promise<void>
}

/** Opens a realm's stores for reading. Nothing else has them open: its caller has locked the data directory. */
export async function openReadingRealm(
  layout: RealmLayout,
  rulebook: Rulebook,
  server: ServerAddress,
): Promise<ReadingRealm> {
  const rulebooks = new RealmRulebooks(layout, rulebook)
  const log = await openLmdbLog({ dir: layout.log })
  const state = AggregatorState.open(layout.state)
  const warehouse = openWarehouse(server, layout.database)
  // What an older version stored lacks columns that are asked for.
  await warehouse.migrate(unitedPlans(rulebooks.all()))
  const aggregator = new Aggregator({
    rulebooks,
    log,
    membership: soleMember(log, state),
    logKeys: createLogKeys(noKeys),
    keeper: noKeys,
    evidence: { record: nothing, sign: nothing },
    state,
    warehouse,
    alarm: () => undefined,
  })
  return {
    layout,
    rulebook,
    rulebooks,
    aggregator,
    warehouse,
    keeper: { keys: nothing, audit: { head: nothing, publicKey: nothing, read: nothing } },
    async close() {
      await log.close()
      await state.close()
      await warehouse.close()
    },
  }
}

async function nothing(): Promise<never> {
  throw new TacitError('ERR_KEEPER_UNAVAILABLE', 'Who only reads has no keeper, and needs none')
}

/** Answers nobody: what reads must not depend on a key. */
export const noKeys: KeeperPort = {
  pseudonymKey: nothing,
  batchKey: nothing,
  destroyLogKey: nothing,
  epochs: nothing,
  reconciled: nothing,
  obey: nothing,
}

/** The log of a process that has none: it reads what others made of it. */
export const noLog: EventLog = {
  writer: '',
  width: () => 0,
  append: nothing,
  parts: () => [],
  tail() {
    throw new TacitError('ERR_LOG_CLOSED', 'Who only reads what was made of the log has none')
  },
  expire: nothing,
  close: async () => {},
}
