/** `tacit keeper`: the keeper in a process of its own, for collectors and aggregators that prove who they are. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseInstant, TacitError } from '@tacit/contracts'
import { Command } from 'commander'
import { headPlacesOf } from '../house/audit-heads.js'
import { jumpText } from '../house/clock-watch.js'
import { readEnvironment } from '../house/environment.js'
import { type KeeperHouse, type KeeperRole, openKeeperHouse } from '../house/keeper-house.js'
import { alarm } from '../house/house.js'
import { masterKeyOf, type Sealing, sealingOf } from '../house/master-key.js'
import { tlsPathsOf } from '../house/realm-keeper.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { stopSignal } from '../house/stop-signal.js'
import { print, printJson, UsageError } from '../output.js'
import { portOf } from '../house/ports.js'

const HAND_OVER_EVERY_MS = 1_000

interface KeeperOptions {
  readonly data: string
  readonly rulebook: string
  readonly host?: string
  readonly port: string
  readonly standbyOf?: string
  readonly promote?: boolean
  readonly stoppedAt?: string
  readonly handOver?: boolean
  readonly json?: boolean
}

export function keeperCommand(): Command {
  return new Command('keeper')
    .description(
      'Keep keys in a process of its own, over mutual TLS 1.3: where `tacit up` asks TACIT_KEEPER_URL',
    )
    .option('--data <dir>', 'data directory of the keeper, which no other process may have open', '.tacit')
    .requiredOption('--rulebook <file>', 'the rulebook: which epochs there are, and how long their keys live')
    .option('--host <address>', 'what it listens on (default: TACIT_HOST)')
    .option('--port <port>', 'what it listens on', '8443')
    .option('--standby-of <url>', 'follow the keeper at this https address, and wait to take over from it')
    .option('--promote', 'take over: this directory is a standby’s, and its primary has stopped for certain')
    .option('--stopped-at <time>', 'with --promote: when the former primary stopped, RFC 3339 (default: now)')
    .option('--hand-over', 'give up in order: wait for the standby, hand over to it, and end')
    .option('--json', 'for machines: one document once it is ready, and nothing else')
    .addHelpText(
      'after',
      '\nExample:\n  $ TACIT_TLS_CERT_FILE=keeper.pem TACIT_TLS_KEY_FILE=keeper.key TACIT_TLS_CA_FILE=ca.pem npx tacit keeper --data /var/lib/tacit-keeper --rulebook my/rulebook.yaml --host 10.0.0.5\n\nA second keeper, and taking over:\n  $ npx tacit keeper --data /var/lib/tacit-standby --rulebook my/rulebook.yaml --standby-of https://10.0.0.5:8443\n  $ npx tacit keeper --data /var/lib/tacit-standby --rulebook my/rulebook.yaml --promote --stopped-at 2026-11-29T10:00:00Z\n\nCertificates, the master key, and what a keeper of its own protects: docs/keys.md and docs/keys-standby.md\n',
    )
    .action(keep)
}

async function keep(options: KeeperOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  const { TACIT_HOST } = environment
  const port = portOf(options.port, '--port')
  const tls = tlsPathsOf(process.env, '`tacit keeper`')
  const rulebook = requireRulebook(readRulebook(options.rulebook), options.rulebook)
  const host = options.host ?? TACIT_HOST
  const stopped = stopSignal()
  const masterKey = masterKeyOf(process.env)
  const sealing = sealingOf(process.env)
  if (sealing?.isMissing === true) alarm(sealing.text)
  const house = await openKeeperHouse({
    role: roleOf(options),
    data: options.data,
    rulebook,
    tls,
    masterKey,
    heads: headPlacesOf(environment),
    host,
    port,
  })
  try {
    announce(house, host, { json: options.json === true, sealing })
    if (options.handOver === true) {
      await Promise.race([stopped, handOver(house)])
      return
    }
    await stopped
    if (options.json !== true) print('\nStopping: no key is lost, and none is in memory any more.')
  } finally {
    await house.close()
  }
}

/** @throws UsageError */
function roleOf({ handOver: isLeaving, promote, standbyOf, stoppedAt }: KeeperOptions): KeeperRole {
  const roles = [isLeaving, promote, standbyOf !== undefined].filter((role) => role === true).length
  if (roles > 1) throw new UsageError('--standby-of, --promote and --hand-over exclude each other')
  if (stoppedAt !== undefined && promote !== true) throw new UsageError('--stopped-at goes with --promote')
  if (standbyOf !== undefined) {
    if (URL.canParse(standbyOf) && new URL(standbyOf).protocol === 'https:')
      return { as: 'standby', primary: standbyOf }
    throw new UsageError('--standby-of must be the https address of the primary')
  }
  if (promote !== true) return { as: 'primary' }
  const time = stoppedAt === undefined ? null : parseInstant(stoppedAt)
  if (time === null) return { as: 'promoted', stoppedAt: null }
  if (Number.isNaN(time)) throw new UsageError('--stopped-at must be a time like 2026-11-29T10:00:00Z')
  return { as: 'promoted', stoppedAt: time }
}

/** Asks until a standby is in step; what it was told cannot be taken back then. */
async function handOver(house: KeeperHouse): Promise<void> {
  for (;;) {
    try {
      await house.handOver?.()
      print(
        'Handed over, and no key is left here: promote the standby (npx tacit keeper … --promote), and start this one no more.',
      )
      return
    } catch (error) {
      if (!(error instanceof TacitError) || error.code !== 'ERR_KEEPER_STANDBY') throw error
      await sleep(HAND_OVER_EVERY_MS)
    }
  }
}

const READY: Readonly<Record<KeeperHouse['state'], string>> = {
  primary: 'The keeper is ready.',
  standby: 'The standby follows its primary.',
  fenced: 'This keeper gives out no key any more, and destroys what is due.',
}

function announce(
  { jump, layout, living, logId, port, state }: KeeperHouse,
  host: string,
  { json, sealing }: { readonly json: boolean; readonly sealing: Sealing | null },
): void {
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${String(port)}`
  const clock = jump === null ? null : jumpText(jump, layout.dir)
  if (json) {
    printJson({ ready: true, state, url, log: logId, living, clock })
    return
  }
  print('')
  print(READY[state])
  print(`  Listens        ${url}`)
  if (logId !== null) print(`  Audit log id   ${logId}`)
  print(`  Public key     npx tacit audit key --data ${layout.dir}`)
  if (living !== null) print(`  Living keys    ${living.toLocaleString('en-GB')}`)
  if (clock !== null) print(`  ${clock}`)
  if (sealing !== null) print(`  ${sealing.text}`)
  print('  Stop           Ctrl-C')
}
