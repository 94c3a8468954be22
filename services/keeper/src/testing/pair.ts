/** A primary and its standby in two folders, on one driven clock, and ways between them that can be cut. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicKey } from 'node:crypto'
import { type SignedHead, type Verification, verifyLog } from '@tacit/audit-log'
import { type DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import type { Keeper, KeeperOptions } from '../keeper.js'
import { keeperPlaces, openKeeperStores } from '../keeper-stores.js'
import { openKeeper } from '../open-keeper.js'
import type { Primary } from '../standby/follower.js'
import { openStandby, type StandbyKeeper, type StandbyOptions } from '../standby/standby-keeper.js'
import { unwrapped } from './unwrapped.js'

export const TIMES = { latenessMs: HOUR, destroyKeyAfterMs: 48 * HOUR } as const
export const PRODUCER = '0123456789abcdef'

export const primaryIn = (
  dir: string,
  clock: DrivenClock,
  more: Partial<KeeperOptions> = {},
): Promise<Keeper> =>
  openKeeper({
    stores: openKeeperStores(keeperPlaces(dir)),
    clock,
    ...TIMES,
    streams: ['day', 'week'],
    ...more,
  })

export const standbyIn = (
  dir: string,
  clock: DrivenClock,
  primary: Primary,
  more: Partial<StandbyOptions> = {},
): Promise<StandbyKeeper> =>
  openStandby({ stores: openKeeperStores(keeperPlaces(dir)), clock, ...TIMES, primary, ...more })

/** What a test does to the way between the two: before a question arrives, and before its answer does. */
export interface Way extends Primary {
  keeper: Keeper | null
  /** `question`: it does not arrive; `answer`: what it caused stays, but no answer comes */
  cut: 'question' | 'answer' | null
}

/** The way to a keeper of this process. */
export function wayTo(keeper: Keeper | null): Way {
  const way: Way = {
    keeper,
    cut: null,
    async ask(pull) {
      if (way.keeper === null || way.cut === 'question') throw new TacitError('ERR_KEEPER_UNAVAILABLE')
      const page = await way.keeper.replica('standby/b', pull)
      if (way.cut === 'answer') throw new TacitError('ERR_KEEPER_UNAVAILABLE')
      return { page, term: way.keeper.term().count }
    },
    close: async () => {},
  }
  return way
}

/** The key in hexadecimal, or why there is none. */
export async function keyOf(keeper: Keeper, epoch: string, scope: KeyScope): Promise<string> {
  const stream = epoch.startsWith('week') ? 'week' : 'day'
  const answer = await keeper.port.pseudonymKey({ purpose: 'stats', stream, epoch, scope })
  return answer.state === 'open' ? answer.key.toString('hex') : answer.state
}

export async function batchKeyOf(keeper: Keeper, hour: number): Promise<string> {
  return (await keeper.port.batchKey(hour, PRODUCER, true))?.toString('hex') ?? 'none'
}

/** Every byte of every file under a folder. */
export const everything = (dir: string): Buffer =>
  Buffer.concat(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  )

/** Names of files with secrets. */
export const secretNames = (dir: string): string[] =>
  readdirSync(join(dir, 'keys'))
    .filter((name) => /\.(?:root|key)$/.test(name))
    .sort()

/** What a secret's file holds, by a reader of the test's own. */
export const secretIn = (dir: string, name: string): Buffer | null =>
  unwrapped(readFileSync(join(dir, 'keys', name)), name, readFileSync(join(dir, 'master.key')))

/** What an auditor finds in a keeper's log, with heads that were kept elsewhere. */
export function audited(dir: string, earlierHeads: readonly SignedHead[] = []): Verification {
  const file = (name: string): Buffer => readFileSync(join(dir, 'audit', name))
  return verifyLog({
    entries: file('entries.ndjson'),
    heads: file('heads.ndjson'),
    publicKey: createPublicKey(file('public.pem')),
    earlierHeads,
  })
}

/** Actions and keys of a log, oldest first: `key.created day:2026-08-05`. */
export const logIn = (dir: string): string[] =>
  readFileSync(join(dir, 'audit', 'entries.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { entry } = JSON.parse(line) as { entry: { action: string; object: { key?: string } } }
      return `${entry.action} ${entry.object.key ?? ''}`.trim()
    })

/** Waits for something of another turn. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error('it never came to be')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
