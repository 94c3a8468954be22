/**
 * What each process of a distributed deployment begins with, in the order that makes a crash harmless: its directory, its
 * clock, its rulebook, its keeper. What was opened is closed in the reverse order.
 */
import { mkdirSync } from 'node:fs'
import { TacitError } from '@tacit/contracts'
import { lockDirectory } from '@tacit/event-log'
import { connectKeeper, type KeeperService } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { ClockEvidence } from './clock-evidence.js'
import { type ClockWatch, watchClock } from './clock-watch.js'
import { alarm } from './house.js'
import { type DataLayout, dataLayout, ERP_RULEBOOK, type RealmLayout } from './layout.js'
import type { LiveClock } from './live-clock.js'
import { forbidCores } from './process-guard.js'
import { type KeeperAddress, keeperAddressOf, type KeeperRole, openRealmKeeper } from './realm-keeper.js'
import { beginRecord } from './realm-record.js'
import { readRulebook, requireEffective, requireRulebook, settleRulebook } from './rulebook-files.js'

export interface RoleOptions {
  /** a dashboard only reads: it works with no key, and records nothing */
  readonly role: KeeperRole | 'dashboard'
  readonly data: string
  /** file; absent: the one the data directory was made under, else rulebooks/erp */
  readonly rulebook: string | undefined
}

export interface Role {
  readonly layout: DataLayout
  /** of real data: there is no other in a distributed deployment */
  readonly realm: RealmLayout
  readonly rulebook: Rulebook
  readonly clock: LiveClock
  readonly keeper: KeeperService
  /** Has this done before everything that was opened earlier is closed. */
  closing(step: () => Promise<unknown>): void
  /** Safe to call twice. */
  close(): Promise<void>
}

/** @throws TacitError ERR_DATA_IN_USE, ERR_DATA_RULEBOOK, ERR_CONFIG_INVALID, ERR_KEEPER_REFUSED, ERR_TLS_FILES */
export async function openRole(options: RoleOptions): Promise<Role> {
  const address = requiredKeeper(options.role)
  const given =
    options.rulebook === undefined ? null : requireRulebook(readRulebook(options.rulebook), options.rulebook)
  const layout = dataLayout(options.data)
  const steps: (() => Promise<unknown>)[] = [await lockDirectory(layout.dir)]
  const close = async (): Promise<void> => {
    for (const step of steps.splice(0).toReversed()) await step()
  }
  const closing = (step: () => Promise<unknown>): void => void steps.push(step)
  try {
    if (!forbidCores()) alarm('Core dumps cannot be turned off from here; start with: ulimit -c 0')
    const realm = layout.realm('main')
    mkdirSync(realm.dir, { recursive: true, mode: 0o700 })
    const evidence = new ClockEvidence(alarm)
    const { clock } = await watched(layout, evidence, closing)
    const rulebook = settleRulebook(realm.rulebook, given, () =>
      requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK),
    )
    if (!clock.standsStill) requireEffective(rulebook, clock)
    const keeper = await openKeeperOf(options.role, address, { realm, rulebook, clock })
    closing(() => keeper.close())
    if (options.role !== 'dashboard') {
      evidence.attach(keeper.audit)
      const { role: service } = options
      const record = await beginRecord({
        service,
        rulebook: rulebook.hash,
        register: null,
        audit: keeper.audit,
        alarm,
      })
      closing(() => record.stop())
      closing(() => evidence.stop())
    }
    return { layout, realm, rulebook, clock, keeper, closing, close }
  } catch (error) {
    await close()
    throw error
  }
}

function requiredKeeper(role: string): KeeperAddress {
  const address = keeperAddressOf(process.env)
  if (address !== null) return address
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    `\`tacit ${role}\` works with a keeper of its own (\`tacit keeper\`): set TACIT_KEEPER_URL (to try it: npm run stores, docs/distributed.md)`,
  )
}

async function watched(
  layout: DataLayout,
  { confirmed, jumped }: ClockEvidence,
  closing: Role['closing'],
): Promise<ClockWatch> {
  const watch = await watchClock({ layout, alarm, onJump: jumped, onConfirm: confirmed })
  closing(() => watch.close())
  return watch
}

async function openKeeperOf(
  role: RoleOptions['role'],
  address: KeeperAddress,
  { clock, realm, rulebook }: Pick<Role, 'clock' | 'realm' | 'rulebook'>,
): Promise<KeeperService> {
  if (role === 'dashboard') {
    const refused = ({ message }: TacitError): void => alarm(`changed TLS files are not used: ${message}`)
    return connectKeeper({ ...address, watch: { refused } })
  }
  return openRealmKeeper({ layout: realm, rulebook, clock, keeperAddress: address, roles: [role], alarm })
}
