/**
 * A realm that is only read: its stores without its keys. A keeper that is opened finishes destructions, declares roots
 * lost and signs heads, by the clock it is handed; so here is none, and what it would know is read off the audit log.
 *
 * Invariant: not a byte of the keys' or the audit log's folder changes, and none is made.
 */
import { Aggregator, AggregatorState } from '@tacit/aggregator'
import { TacitError } from '@tacit/contracts'
import { openLmdbLog } from '@tacit/event-log'
import { keyRecordsOf } from '@tacit/keeper'
import { createLogKeys, type KeeperPort } from '@tacit/keyring'
import { type Rulebook, unitedPlans } from '@tacit/rulebook'
import { openWarehouse, type ServerAddress } from '@tacit/warehouse'
import { type AuditCopy, copyOfRealm, readingOf } from './audit-copy.js'
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
    keeper: keeperOnFiles(layout),
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
const noKeys: KeeperPort = {
  pseudonymKey: nothing,
  batchKey: nothing,
  destroyLogKey: nothing,
  epochs: nothing,
  reconciled: nothing,
  obey: nothing,
}

/** What of a keeper can be told from the files of its audit log. */
function keeperOnFiles(layout: RealmLayout): ReadRealm['keeper'] {
  const copy = (): AuditCopy => {
    const found = copyOfRealm(layout)
    if (found !== null) return found
    throw new TacitError('ERR_INPUT_FILE', 'No audit log lies in this data directory')
  }
  return {
    async keys() {
      const found = copyOfRealm(layout)
      return found === null ? [] : keyRecordsOf(readingOf(found).entries())
    },
    audit: {
      async head() {
        const found = copyOfRealm(layout)
        return found === null ? null : readingOf(found).newestHead()
      },
      async publicKey() {
        return String(copy().publicKey?.export({ format: 'pem', type: 'spki' }) ?? '')
      },
      async read(file, offset, max) {
        const found = copy()
        const bytes = file === 'heads' ? (found.heads ?? Buffer.alloc(0)) : Buffer.concat([...found.chunks()])
        const most = bytes.subarray(Math.min(offset, bytes.length), offset + max)
        return Buffer.from(most.subarray(0, most.lastIndexOf('\n') + 1))
      },
    },
  }
}
