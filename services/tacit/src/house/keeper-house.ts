/**
 * A keeper in a process of its own: its directory, its clock, its rounds, and its door over mutual TLS 1.3.
 *
 * Invariants
 * - One process has the directory open: it is locked before anything is read.
 * - Keys live and die by the guarded clock: while that stands still, nothing is closed or destroyed.
 * - A round every ten seconds destroys what is overdue; one that fails is said, once an hour while it lasts, and tried again.
 * Recovery: the keeper's own, when it is opened (services/keeper).
 */
import { createPublicKey } from 'node:crypto'
import { logId } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { lockDirectory } from '@tacit/event-log'
import {
  type Company,
  type Keeper,
  type KeyRecord,
  openKeeper,
  openStandby,
  primaryOverTls,
  type ServedKeeper,
  type StandbyKeeper,
  serveKeeper,
  type TlsPaths,
} from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { type HeadPlaces, HeadPublisher } from './audit-heads.js'
import { ClockEvidence } from './clock-evidence.js'
import { type ClockWatch, watchClock } from './clock-watch.js'
import { alarm } from './house.js'
import { LastingAlarm } from './insistence.js'
import { admissionAlarm } from './keeper-admission.js'
import { type DataLayout, dataLayout, VERSION } from './layout.js'
import { errorCode } from './error-code.js'
import type { Jump, LiveClock } from './live-clock.js'
import { type MasterKey, openWithMaster } from './master-key.js'
import { forbidCores } from './process-guard.js'
import { archiveRulebook } from './rulebook-files.js'
import { alarmOf, alarmOfStart } from './tick-alarm.js'
import { keyTimesOf } from './key-times.js'

const ROUND_MS = 10_000

/** `promoted`: a standby's directory that becomes the primary's now; `stoppedAt` (ms): when the former primary did. */
export type KeeperRole =
  | { readonly as: 'primary' }
  | { readonly as: 'promoted'; readonly stoppedAt: number | null }
  | { readonly as: 'standby'; readonly primary: string }

export interface KeeperHouseOptions {
  readonly role: KeeperRole
  readonly data: string
  readonly rulebook: Rulebook
  readonly tls: TlsPaths
  readonly masterKey: MasterKey
  /** where heads of the audit log go */
  readonly heads: HeadPlaces | null
  readonly host: string
  /** 0: one that the system chooses */
  readonly port: number
}

export interface KeeperHouse {
  readonly layout: DataLayout
  readonly port: number
  /** of the audit log: SHA-256 of its public key; null at a standby, which has only what came over so far */
  readonly logId: string | null
  readonly state: ReturnType<ServedKeeper['state']>
  /** roots that live now; null at a standby */
  readonly living: number | null
  /** why its clock stands still, or null */
  readonly jump: Jump | null
  /** Hands over to the standby that is in step; null at a standby. @throws TacitError ERR_KEEPER_STANDBY, ERR_KEEPER_UNAVAILABLE */
  readonly handOver: (() => Promise<void>) | null
  /** Ends connections after their answers, zeroes what is in memory, and lets the directory go. */
  close(): Promise<void>
}

/** @throws TacitError ERR_DATA_IN_USE, ERR_TLS_FILES, ERR_LISTEN, ERR_KEY_STORE, ERR_KEY_MASTER, ERR_AUDIT_… */
export async function openKeeperHouse(options: KeeperHouseOptions): Promise<KeeperHouse> {
  const layout = dataLayout(options.data)
  const closing: (() => Promise<unknown>)[] = [await lockDirectory(layout.dir)]
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).toReversed()) await step()
  }
  try {
    if (!forbidCores()) alarm('Core dumps cannot be turned off from here; start with: ulimit -c 0')
    const evidence = new ClockEvidence(alarm)
    const watch = await watchClock({
      layout,
      alarm,
      onJump: evidence.jumped,
      onConfirm: evidence.confirmed,
    })
    closing.push(() => watch.close())
    const heads =
      options.heads === null
        ? null
        : new HeadPublisher({ ...options.heads, file: layout.publishedHeads, alarm })
    const { role } = options
    const keeper =
      role.as === 'standby'
        ? await openFollower(layout, watch, options, role.primary)
        : await openPrimary(layout, watch, evidence, options)
    closing.push(() => keeper.close())
    // Who verifies the log asks how long keys could live here.
    archiveRulebook(layout.realm('main').archive, options.rulebook)
    closing.push(() => evidence.stop())
    if (heads !== null && role.as !== 'standby') closing.push(() => heads.finish(keeper.audit))
    const rounds = startRounds(keeper, watch.clock, role.as === 'standby' ? null : heads)
    closing.push(() => rounds.stop())
    const { port, stop } = await serve(keeper, watch, options)
    closing.push(stop)
    const living = role.as === 'standby' ? null : livingOf(await keeper.keys())
    const id = role.as === 'standby' ? null : logId(createPublicKey(await keeper.audit.publicKey()))
    const handOver = 'handOver' in keeper ? () => keeper.handOver() : null
    const state = keeper.state()
    return { layout, port, logId: id, state, living, jump: watch.clock.jump, handOver, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The primary, or a standby that becomes it now, with its starts and its clock on record; or a fenced one, without. */
async function openPrimary(
  layout: DataLayout,
  { clock }: ClockWatch,
  evidence: ClockEvidence,
  { masterKey, role, rulebook }: KeeperHouseOptions,
): Promise<Keeper> {
  const keeper = await openWithMaster(layout.realm('main'), masterKey, (stores) =>
    openKeeper({
      stores,
      clock,
      streams: rulebook.epochs.streams,
      ...keyTimesOf(rulebook),
      ...(role.as === 'promoted' ? { promote: { stoppedAt: role.stoppedAt } } : {}),
      standby: { changed: (company) => alarm(COMPANY[company]) },
    }),
  )
  alarmOfStart(keeper, alarm)
  if (keeper.state() === 'fenced') {
    // The log goes on at the keeper that took over; here only the rounds do.
    alarm(
      'another keeper took over from this one, for good: it gives out no key any more, and runs only to destroy those here when they are due',
    )
    return keeper
  }
  evidence.attach(keeper.audit)
  const object = { service: 'keeper', version: VERSION } as const
  await keeper.audit.record([{ actor: 'keeper', rulebook: rulebook.hash, action: 'boot', object }])
  return keeper
}

const COMPANY: Readonly<Record<Company, string>> = {
  none: 'no standby ever came',
  followed: 'a standby is in step: every root that is handed out is there too',
  alone: 'no standby is in step: what is made from now on would be withheld if this keeper were lost',
}

/** A standby, which says once why nothing comes from its primary, and when something does again. */
async function openFollower(
  layout: DataLayout,
  { clock }: ClockWatch,
  { masterKey, rulebook, tls }: KeeperHouseOptions,
  primary: string,
): Promise<StandbyKeeper> {
  const standby = await openWithMaster(layout.realm('main'), masterKey, (stores) =>
    openStandby({
      stores,
      clock,
      ...keyTimesOf(rulebook),
      primary: primaryOverTls(primary, tls),
      trouble: (error) =>
        alarm(
          error === null
            ? 'the primary answers again'
            : `nothing comes from the primary (${error.code}); it is asked again`,
        ),
    }),
  )
  standby.follow()
  return standby
}

async function serve(
  keeper: ServedKeeper,
  { clock }: ClockWatch,
  { host, port, tls }: KeeperHouseOptions,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  let saidTerm = 0
  const server = serveKeeper({
    keeper,
    tls,
    fenced(term) {
      if (term > saidTerm) {
        alarm(`another keeper took over (term ${String(term)}): this one answers nobody any more, stop it`)
      }
      saidTerm = Math.max(saidTerm, term)
    },
    turnedAway: admissionAlarm(clock, alarm),
    tlsRefused: ({ message }) => alarm(`changed TLS files are not used: ${message}`),
  })
  try {
    return { port: await server.listen({ host, port }), stop: () => server.close() }
  } catch (error) {
    await server.close()
    if (!(error instanceof TacitError) || error.code !== 'ERR_LISTEN') throw error
    throw new TacitError(
      'ERR_LISTEN',
      `The keeper cannot listen on port ${String(port)} of ${host}; name another one with --port or --host`,
      { cause: error },
    )
  }
}

function livingOf(keys: readonly KeyRecord[]): number {
  return keys.filter(({ destroyed }) => destroyed === null).length
}

function startRounds(
  keeper: ServedKeeper,
  clock: LiveClock,
  heads: HeadPublisher | null,
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  const lasting = new LastingAlarm(alarm)
  let isStopping = false

  async function round(): Promise<void> {
    try {
      if (!clock.standsStill) {
        alarmOf(await keeper.tick(), alarm)
        // Not waited for: a witness may be slow.
        void heads?.publish(keeper.audit, clock.now())
      }
      lasting.end()
    } catch (error) {
      lasting.raise(
        `keys that are due could not be destroyed (${errorCode(error)}), and may outlive their time; it is tried again every ten seconds`,
      )
    }
    if (!isStopping) timer = setTimeout(() => void (running = round()), ROUND_MS)
  }

  let running = round()
  return {
    async stop() {
      isStopping = true
      clearTimeout(timer)
      await running
    },
  }
}
