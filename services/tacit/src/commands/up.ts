/** `tacit up`: all services in one process, the collector and the dashboard on listeners of their own. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createCollector, createPeerLimit } from '@tacit/collector'
import { systemClock, TacitError } from '@tacit/contracts'
import { createDashboard } from '@tacit/dashboard'
import { effectiveNow, type Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import type { FastifyInstance } from 'fastify'
import { accessTokens } from '../house/access.js'
import { approversOf } from '../house/approvers.js'
import { clientAddressOf } from '../house/client-address.js'
import { type Environment, readEnvironment } from '../house/environment.js'
import { alarm, type House, openHouse } from '../house/house.js'
import { ERP_RULEBOOK, SDK_FILE, WEB_ROOT } from '../house/layout.js'
import { type LiveLoop, startLiveLoop } from '../house/live.js'
import { dashboardRealm } from '../house/reader.js'
import type { Realm } from '../house/realm.js'
import {
  readRulebook,
  requireEffective,
  requireRulebook,
  settleRulebook,
  storeRulebook,
} from '../house/rulebook-files.js'
import { settleRegister } from '../house/rulebook-register.js'
import { RulebookSwitch } from '../house/rulebook-switch.js'
import { removeRunFile, writeRunFile } from '../house/run-file.js'
import { startShadowDesk } from '../house/shadow-desk.js'
import {
  playSample,
  removeSample,
  SAMPLE_SITE,
  sampleIsComplete,
  samplePageTokens,
  sampleRulebook,
  sampleTokenKeys,
} from '../house/sample.js'
import { print, progress, UsageError } from '../output.js'
import { SAMPLE_DEFAULTS } from '../sample/traffic.js'
import { announce, type Running, tokenKeyNotice } from './up-announcement.js'

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

function portOf(text: string, name: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`${name} must be a port, 0 to 65535`)
  return port
}

/**
 * The sample's rulebook names the origin of its page before anything listens: where the system is to choose the port
 * (0), it chooses now. Where the address cannot be listened on, that is said when it is tried in earnest.
 */
async function settledPort(port: number, host: string): Promise<number> {
  if (port !== 0) return port
  const probe = createServer()
  try {
    await once(probe.listen(0, host), 'listening')
    const address = probe.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  } catch {
    return 0
  } finally {
    probe.close()
  }
}

async function up(options: UpOptions): Promise<void> {
  const environment = readEnvironment(process.env)
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
    const running = await start({
      house,
      environment,
      given,
      port,
      dashboardPort,
      sample: options.sample === true,
      say,
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

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once (nothing acknowledged is lost). */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(3)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
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
  readonly environment: Environment
  readonly given: Rulebook | null
  readonly port: number
  readonly dashboardPort: number
  readonly sample: boolean
  /** for people only */
  readonly say: (text: string) => void
  /** what must be undone, in order of its doing */
  readonly closing: (() => Promise<unknown>)[]
}

async function start(starting: Starting): Promise<Running> {
  const { closing, environment, house } = starting
  const main = await openMain(starting)
  const realms = [main]
  if (starting.sample) realms.push(await openSample(starting))
  const loops = realms.map(
    (realm): LiveLoop => startLiveLoop(realm, systemClock, alarm, switchOf(realm, environment)),
  )
  closing.push(() => Promise.all(loops.map((loop) => loop.stop())))
  const endShadows = startShadowDesk(main, systemClock)
  closing.push(async () => endShadows())
  const collector = createCollector({
    intakes: realms.map(({ intake }) => intake),
    clock: systemClock,
    clientAddress: clientAddressOf(environment),
    peerLimit: createPeerLimit(
      environment.TACIT_RATE_PER_PEER ?? DEFAULT_PEER_LIMIT,
      environment.TACIT_RATE_PER_PEER !== undefined,
    ),
    ready: () => isReady(realms) && !loops.some((loop) => loop.isBehind()),
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
  writeRunFile(house.layout, { pid: process.pid, ...origins, token })
  closing.push(async () => removeRunFile(house.layout))
  return {
    ...origins,
    sample: starting.sample,
    notice: tokenKeyNotice(main.rulebook, environment),
  }
}

/** Changes of the rulebook are looked for where there is a register: not in the sample. */
function switchOf(realm: Realm, environment: Environment): RulebookSwitch | null {
  if (realm.rulebooks.register === null) return null
  const approvers = approversOf(environment.TACIT_APPROVERS_FILE)
  return new RulebookSwitch({ realm, clock: systemClock, approvers, alarm })
}

/** Durability can be promised, and no rulebook has expired meanwhile. */
function isReady(realms: readonly Realm[]): boolean {
  const now = systemClock.now()
  return realms.every(({ commit, rulebook }) => commit.ready() && effectiveNow(rulebook, now) === 'active')
}

async function openMain({ environment, given, house }: Starting): Promise<Realm> {
  const layout = house.layout.realm('main')
  const rulebook = settleRegister(
    layout,
    settleRulebook(layout.rulebook, given, () => loadRulebook(ERP_RULEBOOK)),
    systemClock,
  )
  requireEffective(rulebook, systemClock)
  return house.openRealm({
    layout,
    rulebook,
    clock: systemClock,
    ratePerToken: environment.TACIT_RATE_PER_TOKEN,
    ...(environment.TACIT_TOKEN_KEYS_FILE === undefined
      ? {}
      : { tokenKeysFile: environment.TACIT_TOKEN_KEYS_FILE }),
  })
}

/** Origins under which a browser on this machine may see the sample page. */
function sampleOrigins(dashboardPort: number): string[] {
  return [`http://127.0.0.1:${dashboardPort}`, `http://localhost:${dashboardPort}`]
}

async function openSample({ dashboardPort, environment, house, say }: Starting): Promise<Realm> {
  const layout = house.layout.realm('sample')
  const erp = loadRulebook(ERP_RULEBOOK)
  const derive = () =>
    sampleRulebook(erp, sampleOrigins(dashboardPort), systemClock.now(), SAMPLE_DEFAULTS.days)
  if (!sampleIsComplete(layout)) {
    await removeSample(house)
    const bar = progress(SAMPLE_DEFAULTS.days, 'days')
    say('Playing a month of sample ERP traffic through the real path …')
    const started = Date.now()
    const played = await playSample(house, derive(), SAMPLE_DEFAULTS, (days) =>
      bar.update(days, 'of sample traffic'),
    )
    bar.stop()
    say(
      `  ${played.events.toLocaleString('en-GB')} events of ${played.days} days in ${((Date.now() - started) / 1000).toFixed(1)} s`,
    )
  }
  // The origins follow the port, so the sample's rulebook is derived anew at each start; its columns are the same.
  const rulebook = derive()
  storeRulebook(layout.rulebook, rulebook)
  return house.openRealm({
    layout,
    rulebook,
    clock: systemClock,
    tokenKeysFile: await sampleTokenKeys(layout),
    ratePerToken: environment.TACIT_RATE_PER_TOKEN,
  })
}

async function createDashboardOf(
  starting: Starting,
  realms: readonly Realm[],
  collectorUrl: string,
): Promise<FastifyInstance> {
  const { house, sample } = starting
  const sampleRealm = realms.find(({ layout }) => layout.name === 'sample')
  const options = {
    realms: realms.map(dashboardRealm),
    access: accessTokens(house.layout),
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

async function listen(app: FastifyInstance, host: string, port: number, flag: string): Promise<string> {
  try {
    const address = await app.listen({ host, port })
    return address.replace('0.0.0.0', '127.0.0.1')
  } catch (cause) {
    await app.close()
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    throw new TacitError(
      'ERR_LISTEN',
      taken
        ? `Port ${port} is taken by another program; name another one with ${flag}`
        : `Cannot listen on port ${port}`,
      { cause },
    )
  }
}
