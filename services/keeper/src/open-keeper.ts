/** Opens a keeper's directory, as the primary that it is or is to become. */
import { type AuditEntry, openAuditLog } from '@tacit/audit-log'
import { DAY, TacitError } from '@tacit/contracts'
import { embeddedAudit } from './embedded-audit.js'
import { EmbeddedKeeper } from './embedded-keeper.js'
import type { Keeper, KeeperOptions } from './keeper.js'
import type { KeeperStores } from './keeper-stores.js'
import { isThere } from './key-files.js'
import { KeyJournal, tellsOfKeys } from './key-journal.js'
import { keepHead, requireKeptHead } from './kept-head.js'
import { openSecrets, type Secrets } from './open-secrets.js'
import { RootRegistry } from './root-registry.js'
import { ScopeRoots } from './scope-roots.js'
import { createSerial } from './serial.js'
import { Producers } from './producers.js'
import { pemOf, signingKey } from './signing-key.js'
import { ReplicaSource } from './standby/replica-source.js'
import { storing } from './storing.js'
import { Reign } from './standby/reign.js'
import { retire } from './standby/retire.js'
import { beginOpening, finishTakeover } from './standby/takeover.js'
import { TermFile } from './standby/term-file.js'
import { isOfEarlierBuild, recordOldJournal } from './upgrade.js'

/** Requests that may wait for the disk. */
const MAX_WAITING = 4_096

/**
 * Opens the keeper: finishes what a crash interrupted, destroys what is overdue, then answers.
 * @throws TacitError ERR_KEY_STORE, ERR_KEY_MASTER, ERR_AUDIT_…; ERR_KEEPER_STANDBY for a standby's directory that is not promoted;
 * ERR_KEEPER_FENCED for one that handed over
 */
export function openKeeper(options: KeeperOptions): Promise<Keeper> {
  return storing(() => open(options))
}

async function open(options: KeeperOptions): Promise<Keeper> {
  const rules = { ...options, logKeyLifeMs: options.logKeyLifeMs ?? DAY }
  const serial = createSerial(MAX_WAITING)
  const { clock, stores, streams } = options
  const term = await TermFile.open(stores.keys)
  const isTakeover = await beginOpening(term, options.promote, clock.now())
  const secrets = await openSecrets(stores.keys, stores.wrapping, options.randomFill)
  if (term.now.state === 'retired') await refuseRetired(secrets)
  const signer = await signingKey(secrets.files, await hasAuditLog(stores))
  const told: AuditEntry[] = []
  const onEntry = (entry: AuditEntry): void => {
    if (tellsOfKeys(entry)) told.push(entry)
  }
  const log = await openAuditLog({ files: stores.audit, signer, onEntry })
  await requireKeptHead(stores.keys, log)
  const { auditClock = clock } = options
  const openJournal = () => KeyJournal.open(log, auditClock, told, auditClock !== clock)
  let journal = await openJournal()
  if (await isOfEarlierBuild(stores.keys)) {
    await recordOldJournal(stores.keys, journal)
    told.length = 0
    for await (const entry of log.entries()) onEntry(entry)
    journal = await openJournal()
  }
  const reign = new Reign(term, signer)
  journal.audit.keep = (head) => keepHead(stores.keys, head)
  journal.audit.isOver = () => reign.isOver
  if (journal.term > term.now.term) {
    throw new TacitError(
      'ERR_KEY_STORE',
      'The file `term` beside the keys is gone or older than the audit log: start with a new data directory, as a standby of the keeper that is primary now',
    )
  }
  const roots = new RootRegistry(secrets.files, journal, rules)
  const recovered = await roots.recover(clock.now(), isTakeover)
  const scopes = await ScopeRoots.open({ files: secrets.files, journal, serial, now: () => clock.now() })
  await secrets.claim()
  await scopes.recover(clock.now())
  journal.forgetSteps()
  if (isTakeover) await finishTakeover({ term, journal, roots, scopes, streams, rules }, clock.now())
  const replica = new ReplicaSource({
    ...options.standby,
    secrets: secrets.files,
    auditFiles: stores.audit,
    audit: journal.audit,
    serial,
    now: () => clock.now(),
    times: () => rules,
  })
  return new EmbeddedKeeper({
    ...options,
    rules,
    roots,
    scopes,
    producers: await Producers.open(stores.keys),
    serial,
    recovered,
    journal,
    isAuditCut: log.cutTail,
    replica,
    reign,
    audit: embeddedAudit(journal.audit, stores.audit, pemOf(signer.publicKey)),
    retire: () => retire(secrets.files),
    closeWrapping: () => secrets.close(),
  })
}

/** What a crash kept a former primary from destroying goes first. @throws TacitError ERR_KEEPER_FENCED */
async function refuseRetired({ close, files }: Secrets): Promise<never> {
  await retire(files).finally(close)
  throw new TacitError(
    'ERR_KEEPER_FENCED',
    'This keeper handed over to its standby, and no key is left here: promote the standby, and start this one no more',
  )
}

/**
 * Whether an audit log is there. It is made before the first root, so roots without one mean that it was taken away.
 * @throws TacitError ERR_AUDIT_DAMAGED
 */
async function hasAuditLog({ audit, keys }: KeeperStores): Promise<boolean> {
  if (await isThere(audit, 'entries.ndjson')) return true
  if (await isOfEarlierBuild(keys)) return false
  if ((await keys.list()).some((name) => name.endsWith('.root') || name.startsWith('hour-'))) {
    throw new TacitError(
      'ERR_AUDIT_DAMAGED',
      'The audit log is gone, and with it what became of the keys: bring it back from a copy, or start with a new data directory',
    )
  }
  return false
}
