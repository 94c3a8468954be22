/** Where things lie: the clone, and a data directory. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TacitError } from '@tacit/contracts'
import { makeOutputFolder } from './written-files.js'

/** The clone's root: this file is `services/tacit/dist/house/layout.js`. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..')

/** of the release, as package.json says */
export const VERSION = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string }
).version

export const ERP_RULEBOOK = join(ROOT, 'rulebooks/erp/rulebook.yaml')
export const WEB_ROOT = join(ROOT, 'services/dashboard/web-dist')
/** The browser SDK as the collector serves it: bundled and minified with the web page. */
export const SDK_FILE = join(WEB_ROOT, 'tacit.js')
/** The auditor's single file, bundled from the audit log's room. */
export const AUDIT_SCRIPT = join(ROOT, 'packages/audit-log/dist/tacit-audit-verify.mjs')

/** ClickHouse database of what is not sample data. */
export const DATABASE = 'tacit'

export type RealmName = 'main' | 'sample'

/** Sample data has a folder, keys and a database of its own, so removing it touches nothing else. */
export interface RealmLayout {
  readonly name: RealmName
  readonly dir: string
  readonly keys: string
  readonly audit: string
  /** a note that keys and audit log are another process's (realm-keeper.ts) */
  readonly keeperElsewhere: string
  /** where the master key file is, unless the operator names another place */
  readonly masterKey: string
  readonly log: string
  /** of a collector that writes to brokers: what waits while they do not answer */
  readonly spool: string
  readonly state: string
  /** of an aggregator or dashboard in a group: its copy of what they share, made anew at each start, and its quarantine */
  readonly sharedState: string
  readonly rulebook: string
  /** every rulebook that was ever activated or told of, by hash; of a keeper of its own each that it was started with */
  readonly archive: string
  /** in the keeper's store: which rulebook ruled from when */
  readonly register: string
  /** where a rulebook that shall be tried beside the one that rules is asked for */
  readonly shadow: string
  /** ClickHouse database */
  readonly database: string
}

export interface DataLayout {
  readonly dir: string
  readonly clickhouse: string
  readonly runFile: string
  /** secret of the dashboard's access tokens */
  readonly accessKey: string
  /** which head of the audit log each place outside was told last */
  readonly publishedHeads: string
  /** the last live time: see live-time.ts */
  readonly liveTime: string
  /** an operator's word that the system's time is right: see live-time.ts */
  readonly clockConfirmed: string
  realm(name: RealmName): RealmLayout
}

/** The layout of a data directory that is there. @throws TacitError ERR_INPUT_FILE where there is none: looking makes nothing */
export function presentLayout(dir: string): DataLayout {
  if (!existsSync(dir)) {
    throw new TacitError('ERR_INPUT_FILE', `There is no data directory ${dir}; name one with --data DIR`)
  }
  return dataLayout(dir)
}

/** @param dir the data directory, made if missing, mode 0700 @throws UsageError, TacitError ERR_OUTPUT_FILE */
export function dataLayout(dir: string): DataLayout {
  const root = resolve(dir)
  makeOutputFolder(root, { option: '--data', mode: 0o700 })
  return {
    dir: root,
    clickhouse: join(root, 'clickhouse'),
    runFile: join(root, 'run.json'),
    accessKey: join(root, 'access.key'),
    publishedHeads: join(root, 'published-heads.json'),
    liveTime: join(root, 'live-time.json'),
    clockConfirmed: join(root, 'clock-confirmed.json'),
    realm(name) {
      const own = join(root, name)
      return {
        name,
        dir: own,
        keys: join(own, 'keys'),
        audit: join(own, 'audit'),
        keeperElsewhere: join(own, 'keeper-elsewhere'),
        masterKey: join(own, 'master.key'),
        log: join(own, 'log'),
        spool: join(own, 'spool'),
        state: join(own, 'state'),
        sharedState: join(own, 'shared-state'),
        rulebook: join(own, 'rulebook'),
        archive: join(own, 'rulebooks'),
        register: join(own, 'keys-register'),
        shadow: join(own, 'shadow'),
        database: name === 'main' ? DATABASE : `${DATABASE}_sample`,
      }
    },
  }
}
