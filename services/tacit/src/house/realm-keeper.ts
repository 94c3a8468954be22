/**
 * The keeper of a realm: one in this process, on keys that lie in the realm's folder, or one of its own over mutual TLS.
 * The only place that knows which it is.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type Clock, DrivenClock, systemClock, TacitError } from '@tacit/contracts'
import { connectKeeper, type KeeperService, openKeeper, type TlsPaths } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import type { RealmLayout } from './layout.js'
import { type MasterKey, openWithMaster } from './master-key.js'
import { alarmOfStart } from './tick-alarm.js'
import { keyTimesOf } from './key-times.js'

/** Where keepers of their own are, and how this process proves who it is. */
export interface KeeperAddress {
  /** the primary and its standby, in any order */
  readonly urls: readonly string[]
  readonly tls: TlsPaths
}

const TLS_VARIABLES = {
  cert: 'TACIT_TLS_CERT_FILE',
  key: 'TACIT_TLS_KEY_FILE',
  ca: 'TACIT_TLS_CA_FILE',
} as const

/** @param what needs them, for the message @throws TacitError ERR_CONFIG_INVALID naming the variables that are missing */
export function tlsPathsOf(env: NodeJS.ProcessEnv, what: string): TlsPaths {
  const missing = Object.values(TLS_VARIABLES).filter((name) => (env[name] ?? '') === '')
  if (missing.length > 0) {
    const names = new Intl.ListFormat('en-GB').format(missing)
    throw new TacitError('ERR_CONFIG_INVALID', `${what} speaks mutual TLS: set ${names}`)
  }
  const pathOf = (name: string): string => env[name] ?? ''
  return { cert: pathOf(TLS_VARIABLES.cert), key: pathOf(TLS_VARIABLES.key), ca: pathOf(TLS_VARIABLES.ca) }
}

/** Null where the keeper is in this process. @throws TacitError ERR_CONFIG_INVALID */
export function keeperAddressOf(env: NodeJS.ProcessEnv): KeeperAddress | null {
  const urls = (env['TACIT_KEEPER_URL'] ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
  return urls.length === 0 ? null : { urls, tls: tlsPathsOf(env, 'The keeper of TACIT_KEEPER_URL') }
}

export interface RealmKeeperOptions {
  readonly layout: RealmLayout
  readonly rulebook: Rulebook
  readonly clock: Clock
  readonly masterKey?: MasterKey
  /** absent: in this process */
  readonly keeperAddress?: KeeperAddress
  readonly isDriven?: boolean
  /** what this process is to a keeper of another one; both by default */
  readonly roles?: readonly KeeperRole[]
  readonly alarm: (message: string) => void
}

/** What who asks a keeper may be. */
export type KeeperRole = 'collector' | 'aggregator'

/** @throws TacitError ERR_CONFIG_INVALID, ERR_KEEPER_REFUSED, ERR_KEEPER_UNTRUSTED, ERR_TLS_FILES; ERR_KEY_STORE, ERR_KEY_MASTER, ERR_AUDIT_… */
export function openRealmKeeper(options: RealmKeeperOptions): Promise<KeeperService> {
  const { keeperAddress } = options
  return keeperAddress === undefined ? openOwn(options) : connectTo(keeperAddress, options)
}

async function openOwn(options: RealmKeeperOptions): Promise<KeeperService> {
  const { alarm, clock, layout, masterKey, rulebook } = options
  rmSync(layout.keeperElsewhere, { force: true })
  const keeper = await openWithMaster(layout, masterKey ?? {}, (stores) =>
    openKeeper({
      stores,
      clock,
      // A driven run plays the past: its entries say when that was, and are dated by what the clock on the wall says.
      auditClock: clock instanceof DrivenClock ? systemClock : clock,
      streams: rulebook.epochs.streams,
      ...keyTimesOf(rulebook),
    }),
  )
  // What was found at the start is told nobody a second time.
  alarmOfStart(keeper, alarm)
  return keeper
}

const ELSEWHERE =
  'The keeper of this realm is another process (TACIT_KEEPER_URL): keys and audit log lie in its data directory.\n'

async function connectTo({ tls, urls }: KeeperAddress, options: RealmKeeperOptions): Promise<KeeperService> {
  const { alarm, isDriven, layout, rulebook } = options
  if (isDriven === true) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'A keeper of its own lives by the real time, and what is played here has a time of its own: unset TACIT_KEEPER_URL, and use a data directory of its own',
    )
  }
  refuseOwnKeys(layout)
  // When this process is gone, only this tells that no audit log was taken away.
  writeFileSync(layout.keeperElsewhere, ELSEWHERE)
  const keeper = connectKeeper({
    urls,
    tls,
    watch: { refused: ({ message }) => alarm(`changed TLS files are not used: ${message}`) },
  })
  try {
    await prove(keeper, rulebook, options.roles ?? ['collector', 'aggregator'], alarm)
    return keeper
  } catch (error) {
    await keeper.close()
    throw error
  }
}

/** Roots that lie here would be destroyed by nobody: only a keeper that has them open does that. */
function refuseOwnKeys({ keys }: RealmLayout): void {
  const living = existsSync(keys) ? readdirSync(keys).filter((name) => /^hour-|\.root$/.test(name)) : []
  if (living.length === 0) return
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    `In ${keys} lie keys that the keeper of TACIT_KEEPER_URL would never destroy. Unset it and go on until they have died, begin with a new data directory, or give the keeper this one's keys, audit log and master key`,
  )
}

/** A root of this hour was never made, and never will be: to ask for it tells who may ask, and changes nothing. */
const NO_HOUR = 0
const NO_PRODUCER = '0'.repeat(16)

/** Asks in each role once, so that a certificate that will not do is said now and not by lost events. */
async function prove(
  { port }: KeeperService,
  rulebook: Rulebook,
  roles: readonly KeeperRole[],
  alarm: (message: string) => void,
): Promise<void> {
  try {
    if (roles.includes('collector')) await port.batchKey(NO_HOUR, NO_PRODUCER, true)
    if (roles.includes('aggregator')) await port.obey(keyTimesOf(rulebook))
  } catch (error) {
    if (!(error instanceof TacitError)) throw error
    if (error.code === 'ERR_KEEPER_UNAVAILABLE') {
      alarm(
        'the keeper of TACIT_KEEPER_URL does not answer; until it does, events are dropped for want of keys',
      )
      return
    }
    // The handshake was accepted, so it is the role that is not.
    if (error.code !== 'ERR_KEEPER_REFUSED' || error.cause !== undefined) throw error
    throw new TacitError(
      'ERR_KEEPER_REFUSED',
      `The keeper takes the certificate of TACIT_TLS_CERT_FILE, but not for ${roles.map((role) => (role === 'aggregator' ? 'an aggregator' : `a ${role}`)).join(' and ')}: it must name ${roles.map((role) => `URI:tacit://${role}/NAME`).join(' and ')} in its subject alternative names`,
    )
  }
}
