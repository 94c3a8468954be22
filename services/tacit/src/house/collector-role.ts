/**
 * A collector of its own: beacons in, sealed batches to the brokers, or into the spool while they do not answer.
 *
 * Invariants
 * - It is ready once the log knows of it: from then on every aggregator waits for what it holds, here or in its spool.
 * - It stops in order: no beacon is taken any more, what was taken is durable, and the log is told that nothing follows.
 * Recovery: the spool's (packages/event-log); what a crash left in it is sent before anything new.
 */
import { readFileSync } from 'node:fs'
import { createCollector, createPeerLimit } from '@tacit/collector'
import { openKafkaLog } from '@tacit/event-log'
import { createLogKeys } from '@tacit/keyring'
import { effectiveNow } from '@tacit/rulebook'
import { clientAddressOf } from './client-address.js'
import type { Environment } from './environment.js'
import { alarm } from './house.js'
import { openIngest } from './ingest.js'
import { kafkaOptionsOf } from './kafka.js'
import { SDK_FILE } from './layout.js'
import type { Jump } from './live-clock.js'
import { startLiveLoop } from './live.js'
import { listen } from './ports.js'
import { openRole, type RoleOptions } from './role.js'

const DEFAULT_PEER_LIMIT = 6_000
/** How long the last word may take at a stop; without it the aggregators wait for this collector to come back. */
const LAST_WORD_MS = 5_000

export interface RunningCollector {
  readonly origin: string
  /** why its clock stands still, or null */
  readonly jump: Jump | null
  close(): Promise<void>
}

/** @throws TacitError as {@link openRole}; ERR_LOG_TOPIC, ERR_LISTEN */
export async function openCollectorRole(
  options: Omit<RoleOptions, 'role'> & { readonly port: number },
  environment: Environment,
): Promise<RunningCollector> {
  const kafka = kafkaOptionsOf(environment)
  const role = await openRole({ ...options, role: 'collector' })
  const { clock, closing, keeper, realm, rulebook } = role
  try {
    const { logMs, spoolBytes } = rulebook.keep
    const log = await openKafkaLog({
      kafka,
      clock,
      alarm,
      spool: { dir: realm.spool, maxBytes: spoolBytes, maxAgeMs: logMs },
    })
    closing(() => log.close())
    const logKeys = createLogKeys(keeper.port)
    closing(async () => logKeys.close())
    const ingest = await openIngest({
      rulebook,
      notBefore: Number.NEGATIVE_INFINITY,
      clock,
      keeper: keeper.port,
      log,
      logKeys,
      dir: realm.dir,
      ratePerToken: environment.TACIT_RATE_PER_TOKEN,
      ...(environment.TACIT_TOKEN_KEYS_FILE === undefined
        ? {}
        : { tokenKeysFile: environment.TACIT_TOKEN_KEYS_FILE }),
      alarm,
    })
    closing(() => ingest.close())
    const { commit, intake, prefetch, rotateTokenKeys } = ingest
    closing(() => sayLast(() => commit.watermark(clock.now(), 'last')))
    const loop = startLiveLoop(
      {
        layout: realm,
        keeper,
        rulebook,
        intake,
        commit,
        prefetch,
        rotateTokenKeys,
        async destroyDue() {
          intake.tick(clock.now())
          logKeys.retire(clock.now(), logMs)
        },
      },
      clock,
      alarm,
    )
    closing(() => loop.stop())
    const isReady = (): boolean =>
      !clock.standsStill &&
      loop.hasBegun() &&
      commit.ready() &&
      effectiveNow(rulebook, clock.now()) === 'active'
    const { TACIT_HOST, TACIT_RATE_PER_PEER } = environment
    const app = createCollector({
      intakes: [intake],
      clock,
      clientAddress: clientAddressOf(environment),
      peerLimit: createPeerLimit(
        TACIT_RATE_PER_PEER ?? DEFAULT_PEER_LIMIT,
        TACIT_RATE_PER_PEER !== undefined,
      ),
      ready: isReady,
      sdk: readFileSync(SDK_FILE, 'utf8'),
    })
    const origin = await listen(app, TACIT_HOST, options.port, '--port')
    closing(() => app.close())
    return { origin, jump: clock.jump, close: () => role.close() }
  } catch (error) {
    await role.close()
    throw error
  }
}

/** Tells the log that nothing follows, if it can be told now. */
async function sayLast(word: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_WORD_MS)
  })
  const said = word().catch(() =>
    alarm(
      'the brokers could not be told that this collector stops: its hours wait until it is back, a day at most',
    ),
  )
  await Promise.race([said, late])
  clearTimeout(timer)
}
