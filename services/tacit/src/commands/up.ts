/** `tacit up`: all services in one process, the collector and the dashboard on listeners of their own. */
import { readFileSync } from 'node:fs'
import { createCollector, createPeerLimit } from '@tacit/collector'
import { TacitError } from '@tacit/contracts'
import { createDashboard } from '@tacit/dashboard'
import { effectiveNow, type Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import type { FastifyInstance } from 'fastify'
import { accessTokens } from '../house/access.js'
import { approversOf } from '../house/approvers.js'
import { HeadPublisher, headPlacesOf } from '../house/audit-heads.js'
import { clientAddressOf } from '../house/client-address.js'
import { ClockEvidence } from '../house/clock-evidence.js'
import { watchClock } from '../house/clock-watch.js'
import { type Environment, readEnvironment, unusedByUp } from '../house/environment.js'
import { alarm, type House, openHouse } from '../house/house.js'
import { ERP_RULEBOOK, SDK_FILE, WEB_ROOT } from '../house/layout.js'
import { type LiveLoop, startLiveLoop } from '../house/live.js'
import type { LiveClock } from '../house/live-clock.js'
import { listen, portOf, requireFree, settledPort } from '../house/ports.js'
import { sealingOf } from '../house/master-key.js'
import { dashboardRealm } from '../house/reader.js'
import type { Realm } from '../house/realm.js'
import { readRulebook, requireEffective, requireRulebook, settleRulebook } from '../house/rulebook-files.js'
import { settleRegister } from '../house/rulebook-register.js'
import { RulebookSwitch } from '../house/rulebook-switch.js'
import { removeRunFile, writeRunFile } from '../house/run-file.js'
import { startShadowDesk } from '../house/shadow-desk.js'
import { SAMPLE_SITE, samplePageTokens } from '../house/sample.js'
import { stopSignal, unlessStopped } from '../house/stop-signal.js'
import { print } from '../output.js'
import { announce, keyHints, type Running, tokenKeyNotice } from './up-announcement.js'
import { openSample } from './up-sample.js'

const DAY_MS = 86_400_000
const RUN_TOKEN_LIFE_MS = 90 * DAY_MS
const DEFAULT_PEER_LIMIT = 6_000

interface UpOptions {
  readonly data: string
  readonly rulebook?: string
  readonly port: string
  readonly dashboardPort: string
  readonly sample?: boolean
  readonly json?: boolean
}

export function upCommand(): Command {
  return new Command('up')
    .description('Run everything in one process on embedded stores')
    .option('--data <dir>', 'data directory', '.tacit')
    .option(
      '--rulebook <file>',
      'the rulebook (default: the one the data directory was made under, else rulebooks/erp)',
    )
    .option('--port <port>', 'collector', '8080')
    .option('--dashboard-port <port>', 'dashboard', '8081')
    .option(
      '--sample',
      'play a month of sample ERP traffic on the first start, and serve the sample ERP page',
    )
    .option('--json', 'for machines: one document once it is ready, and nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit up --sample\n  $ TACIT_TOKEN_KEYS_FILE=erp-keys.json npx tacit up --data /var/lib/tacit --rulebook my/rulebook.yaml\n',
    )
    .action(up)
}

async function up(options: UpOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  const unused = unusedByUp(process.env)
  if (unused !== null) alarm(unused)
  approversOf(environment.TACIT_APPROVERS_FILE)
  const port = portOf(options.port, '--port')
  const dashboardPort = await settledPort(
    portOf(options.dashboardPort, '--dashboard-port'),
    environment.TACIT_HOST,
  )
  const say = options.json === true ? () => undefined : print
  const stopped = stopSignal()
  const given = options.rulebook === undefined ? null : loadRulebook(options.rulebook)
  const house = await openHouse(options.data)
  const closing: (() => Promise<unknown>)[] = [() => house.close()]
  try {
    const evidence = new ClockEvidence(alarm)
    const watch = await watchClock({
      layout: house.layout,
      alarm,
      onJump: evidence.jumped,
      onConfirm: evidence.confirmed,
    })
    closing.push(() => watch.close())
    const running = await start({
      house,
      clock: watch.clock,
      evidence,
      environment,
      given,
      port,
      dashboardPort,
      sample: options.sample === true,
      say,
      stopped,
      closing,
    })
    await announce(house, running, options.json === true)
    await Promise.race([stopped, warehouseFailure(house)])
    say('\nStopping: what was taken is on disk.')
  } finally {
    for (const close of closing.toReversed()) await close()
  }
}

function loadRulebook(path: string): Rulebook {
  return requireRulebook(readRulebook(path), path)
}

/** Never resolves; rejects when ClickHouse has ended for good. */
async function warehouseFailure(house: House): Promise<never> {
  const end = await house.server.exited
  if (end === 'stopped') return new Promise(() => {})
  throw new TacitError(
    'ERR_WAREHOUSE_START',
    'ClickHouse ended again and again; look for memory and disk, then start again',
  )
}

interface Starting {
  readonly house: House
  /** stands still while a jump of the system's is not confirmed */
  readonly clock: LiveClock
  readonly evidence: ClockEvidence
  readonly environment: Environment
  readonly given: Rulebook | null
  readonly port: number
  readonly dashboardPort: number
  readonly sample: boolean
  /** for people only */
  readonly say: (text: string) => void
  /** of {@link stopSignal} */
  readonly stopped: Promise<void>
  /** what must be undone, in order of its doing */
  readonly closing: (() => Promise<unknown>)[]
}

async function start(starting: Starting): Promise<Running> {
  const { clock, closing, environment, evidence, house } = starting
  const heads = publisherOf(starting)
  const sealing = environment.TACIT_KEEPER_URL.length > 0 ? null : sealingOf(process.env)
  if (sealing?.isMissing === true) alarm(sealing.text)
  const main = await openMain(starting)
  evidence.attach(main.keeper.audit)
  closing.push(() => evidence.stop())
  if (heads !== null) closing.push(() => heads.finish(main.keeper.audit))
  const realms = [main]
  if (starting.sample) {
    await requireFree(environment.TACIT_HOST, starting.port, '--port')
    await requireFree(environment.TACIT_HOST, starting.dashboardPort, '--dashboard-port')
    const opening = openSample({ ...starting, erp: loadRulebook(ERP_RULEBOOK) })
    // A sample that was not played to its end is played anew.
    realms.push(await unlessStopped(starting.stopped, opening))
  }
  const loops = realms.map(
    (realm): LiveLoop =>
      startLiveLoop(realm, clock, alarm, switchOf(realm, starting), realm === main ? heads : null),
  )
  closing.push(() => Promise.all(loops.map((loop) => loop.stop())))
  const endShadows = startShadowDesk(main, clock)
  closing.push(async () => endShadows())
  const collector = createCollector({
    intakes: realms.map(({ intake }) => intake),
    clock,
    clientAddress: clientAddressOf(environment),
    peerLimit: createPeerLimit(
      environment.TACIT_RATE_PER_PEER ?? DEFAULT_PEER_LIMIT,
      environment.TACIT_RATE_PER_PEER !== undefined,
    ),
    ready: () => !clock.standsStill && isReady(realms, clock) && !loops.some((loop) => loop.isBehind()),
    sdk: readFileSync(SDK_FILE, 'utf8'),
  })
  const origins = { collector: '', dashboard: '' }
  origins.collector = await listen(collector, environment.TACIT_HOST, starting.port, '--port')
  closing.push(() => collector.close())
  const dashboard = await createDashboardOf(starting, realms, origins.collector)
  origins.dashboard = await listen(
    dashboard,
    environment.TACIT_HOST,
    starting.dashboardPort,
    '--dashboard-port',
  )
  closing.push(() => dashboard.close())
  const token = await accessTokens(house.layout).issue('operator', RUN_TOKEN_LIFE_MS)
  const remoteKeeper = environment.TACIT_KEEPER_URL.length > 0
  writeRunFile(house.layout, { pid: process.pid, ...origins, token, remoteKeeper })
  closing.push(async () => removeRunFile(house.layout))
  return {
    ...origins,
    sample: starting.sample,
    notice: tokenKeyNotice(main.rulebook, environment),
    // Who tries the sample has other things to look at.
    hints: starting.sample ? [] : keyHints(environment, sealing),
    lacksKeeper: realms.some(lacksKeeper),
    jump: clock.jump,
  }
}

/** Changes of the rulebook are looked for where there is a register: not in the sample. */
function switchOf(realm: Realm, { clock, environment }: Starting): RulebookSwitch | null {
  if (realm.rulebooks.register === null) return null
  const approvers = approversOf(environment.TACIT_APPROVERS_FILE)
  return new RulebookSwitch({ realm, clock, approvers, alarm })
}

/** Where heads of the audit log go; null where no place is set, or a keeper of its own has the log. */
function publisherOf({ environment, house }: Starting): HeadPublisher | null {
  const places = environment.TACIT_KEEPER_URL.length > 0 ? null : headPlacesOf(environment)
  return places === null ? null : new HeadPublisher({ ...places, file: house.layout.publishedHeads, alarm })
}

/** A keeper that was down at the start has not answered yet: no key is here, whatever the disk says. */
function lacksKeeper({ registerEvidence }: Realm): boolean {
  return registerEvidence?.isKnown === false
}

/** Durability can be promised, there was a keeper, and no rulebook has expired meanwhile. */
function isReady(realms: readonly Realm[], clock: LiveClock): boolean {
  const now = clock.now()
  return realms.every(
    (realm) => realm.commit.ready() && !lacksKeeper(realm) && effectiveNow(realm.rulebook, now) === 'active',
  )
}

async function openMain({ clock, environment, given, house }: Starting): Promise<Realm> {
  const layout = house.layout.realm('main')
  const rulebook = settleRegister(
    layout,
    settleRulebook(layout.rulebook, given, () => loadRulebook(ERP_RULEBOOK)),
    clock,
  )
  // A clock that stands still may stand before the rulebook's time: readiness judges once it goes.
  if (!clock.standsStill) requireEffective(rulebook, clock)
  return house.openRealm({
    layout,
    rulebook,
    clock,
    service: 'up',
    ratePerToken: environment.TACIT_RATE_PER_TOKEN,
    ...(environment.TACIT_TOKEN_KEYS_FILE === undefined
      ? {}
      : { tokenKeysFile: environment.TACIT_TOKEN_KEYS_FILE }),
  })
}

async function createDashboardOf(
  starting: Starting,
  realms: readonly Realm[],
  collectorUrl: string,
): Promise<FastifyInstance> {
  const { clock, house, sample } = starting
  const sampleRealm = realms.find(({ layout }) => layout.name === 'sample')
  const options = {
    realms: realms.map(dashboardRealm),
    access: accessTokens(house.layout),
    clock,
    webRoot: WEB_ROOT,
  }
  if (!sample || sampleRealm === undefined) return createDashboard(options)
  const token = samplePageTokens(sampleRealm.layout, () => sampleRealm.rulebook)
  return createDashboard({
    ...options,
    samplePage: {
      collectorUrl,
      site: SAMPLE_SITE,
      policy: sampleRealm.rulebook.policy.version,
      token: ({ consent }) => token(consent),
    },
  })
}
