/** A dashboard of its own: reads released cells, a copy of what the aggregators share, and the keeper's record; writes nothing. */
import { Aggregator, AggregatorState, readingMember } from '@tacit/aggregator'
import { createDashboard } from '@tacit/dashboard'
import { createLogKeys } from '@tacit/keyring'
import { openWarehouse } from '@tacit/warehouse'
import { accessTokens } from './access.js'
import type { Environment } from './environment.js'
import { alarm } from './house.js'
import { clickHouseOf, kafkaOptionsOf, openSharedJournal } from './kafka.js'
import { type DataLayout, DATABASE, WEB_ROOT } from './layout.js'
import { listen } from './ports.js'
import { dashboardRealm } from './reader.js'
import { noKeys, noLog } from './reading-realm.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { openRole, type RoleOptions } from './role.js'
import { removeRunFile, writeRunFile } from './run-file.js'

const RUN_TOKEN_LIFE_MS = 90 * 86_400_000

export interface RunningDashboard {
  readonly origin: string
  readonly layout: DataLayout
  close(): Promise<void>
}

/** @throws TacitError as {@link openRole}; ERR_LOG_…, ERR_LISTEN */
export async function openDashboardRole(
  options: Omit<RoleOptions, 'role'> & { readonly port: number },
  environment: Environment,
): Promise<RunningDashboard> {
  const kafka = kafkaOptionsOf(environment)
  const address = clickHouseOf(environment)
  const role = await openRole({ ...options, role: 'dashboard' })
  const { clock, closing, keeper, layout, realm, rulebook } = role
  try {
    const rulebooks = new RealmRulebooks(realm, rulebook)
    const warehouse = openWarehouse(address, DATABASE)
    closing(() => warehouse.close())
    const { state } = await AggregatorState.share(realm.sharedState, (apply) =>
      openSharedJournal(kafka, alarm, apply),
    )
    closing(() => state.close())
    const aggregator = new Aggregator({
      rulebooks,
      log: noLog,
      membership: readingMember,
      logKeys: createLogKeys(noKeys),
      keeper: noKeys,
      evidence: keeper.audit,
      state,
      warehouse,
      alarm,
    })
    const access = accessTokens(layout)
    const app = createDashboard({
      realms: [dashboardRealm({ layout: realm, rulebook, rulebooks, aggregator, warehouse, keeper })],
      access,
      clock,
      webRoot: WEB_ROOT,
    })
    const origin = await listen(app, environment.TACIT_HOST, options.port, '--port')
    closing(() => app.close())
    const token = await access.issue('operator', RUN_TOKEN_LIFE_MS)
    writeRunFile(layout, { pid: process.pid, collector: '', dashboard: origin, token, remoteKeeper: true })
    closing(async () => removeRunFile(layout))
    return { origin, layout, close: () => role.close() }
  } catch (error) {
    await role.close()
    throw error
  }
}
