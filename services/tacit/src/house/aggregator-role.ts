/**
 * An aggregator of its own: a member of the group that reads the brokers' log. Each stages; the owner settles and releases.
 *
 * Recovery: the journal's and the log's; its directory holds no state of the group that is not made anew at a start.
 */
import { openKafkaLog } from '@tacit/event-log'
import { createLogKeys } from '@tacit/keyring'
import { unitedPlans } from '@tacit/rulebook'
import { openWarehouse } from '@tacit/warehouse'
import type { Environment } from './environment.js'
import { openGroupAggregator } from './group-aggregator.js'
import { startHealth } from './health.js'
import { alarm } from './house.js'
import { clickHouseOf, kafkaOptionsOf } from './kafka.js'
import { KeyTimesWord } from './key-times.js'
import { DATABASE } from './layout.js'
import type { Jump } from './live-clock.js'
import { startLiveLoop } from './live.js'
import { untilAvailable } from './patience.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { openRole, type RoleOptions } from './role.js'
import { settleRegister } from './rulebook-register.js'

export interface RunningAggregator {
  /** origin of its health checks */
  readonly health: string
  /** why its clock stands still, or null */
  readonly jump: Jump | null
  close(): Promise<void>
}

/** @throws TacitError as {@link openRole}; ERR_LOG_TOPIC, ERR_LOG_…, ERR_WAREHOUSE_…, ERR_LISTEN */
export async function openAggregatorRole(
  options: Omit<RoleOptions, 'role'> & { readonly healthPort: number },
  environment: Environment,
): Promise<RunningAggregator> {
  const kafka = kafkaOptionsOf(environment)
  const address = clickHouseOf(environment)
  let isReady = (): boolean => false
  // Before all that may have to be waited for: who starts anew what does not live looks meanwhile, too.
  const health = await startHealth({
    host: environment.TACIT_HOST,
    port: options.healthPort,
    isReady: () => isReady(),
  })
  const role = await openRole({ ...options, role: 'aggregator' }).catch(async (error: unknown) => {
    await health.close()
    throw error
  })
  const { clock, closing, keeper, realm } = role
  closing(() => health.close())
  try {
    const rulebook = settleRegister(realm, role.rulebook, clock)
    const rulebooks = new RealmRulebooks(realm, rulebook)
    const warehouse = openWarehouse(address, DATABASE)
    closing(() => warehouse.close())
    // Before ClickHouse is waited for: where Kafka answers, a topic that is set up otherwise is refused at once.
    const log = await openKafkaLog({ kafka, clock, alarm })
    closing(() => log.close())
    await untilAvailable('ClickHouse', () => warehouse.migrate(unitedPlans(rulebooks.all())), alarm)
    const logKeys = createLogKeys(keeper.port)
    closing(async () => logKeys.close())
    const keyTimes = new KeyTimesWord(keeper.port, { alarm })
    keyTimes.tell(rulebook)
    closing(() => keyTimes.stop())
    const group = await openGroupAggregator({
      kafka,
      dir: realm.sharedState,
      rulebooks,
      log,
      logKeys,
      keeper: keeper.port,
      evidence: keeper.audit,
      warehouse,
      alarm,
    })
    closing(() => group.close())
    const { aggregator } = group
    const loop = startLiveLoop(
      {
        layout: realm,
        keeper,
        rulebook,
        aggregator,
        log,
        async destroyDue() {
          logKeys.retire(clock.now(), rulebook.keep.logMs)
          await aggregator.dropDestroyed()
        },
      },
      clock,
      alarm,
    )
    closing(() => loop.stop())
    isReady = () =>
      !clock.standsStill && loop.hasBegun() && group.takesPart() && !loop.isBehind() && !loop.isFailing()
    closing(async () => {
      isReady = () => false
    })
    return { health: health.origin, jump: clock.jump, close: () => role.close() }
  } catch (error) {
    await role.close()
    throw error
  }
}
