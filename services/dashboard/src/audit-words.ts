/** What an audit entry says, in one plain sentence for those who do not read code. */
import type { AuditEntry } from '@tacit/audit-log'

/** `day:2026-08-05` as `the day 2026-08-05`; of tenants and sites the name tells nobody whose it is, so its start will do. */
function keyName(key: string): string {
  const [stream = '', label = ''] = key.split(/:(.*)/s)
  switch (stream) {
    case 'day':
      return `the day ${label}`
    case 'week':
      return `the week from ${label}`
    case 'month':
      return `the month ${label}`
    case 'hour':
      return `the hour ${label.replace('T', ' ')}:00`
    default:
      return `a ${stream} (${label.slice(0, 8)}…)`
  }
}

const WHY = {
  schedule: 'on schedule',
  settled: 'because all under it was counted',
  lost: 'because its file was gone',
  closed_account: 'because the account was closed',
} as const

const RECONCILED = {
  yes: 'the counts under it added up',
  no: 'the counts under it did not add up',
  unknown: 'nobody said whether the counts added up',
} as const

const RULEBOOK_DEEDS = {
  initial: 'the first rulebook was taken',
  notice: 'notice of a change of the rules was given',
  activate: 'a change of the rules was signed',
  rollback: 'the former rules were signed back',
  cancel: 'a change of the rules was taken back',
  checked: 'the running instance looked at a change of the rules',
  applied: 'other rules began to rule',
} as const

/** @param entry of any version: an action that is not known is said by its name */
export function entryWords(entry: AuditEntry): string {
  switch (entry.action) {
    case 'key.created':
      return `The key of ${keyName(entry.object.key)} was made`
    case 'key.handed':
      return `What is derived from the key of ${keyName(entry.object.key)} was first given to ${entry.object.to}`
    case 'key.closed':
      return `The key of ${keyName(entry.object.key)} is given to nobody any more`
    case 'key.held':
      return `The key of ${keyName(entry.object.key)} is held back: the counts under it do not add up yet`
    case 'key.reconciled':
      return `The counts under the key of ${keyName(entry.object.key)} add up`
    case 'key.destroying':
      return `The destruction of the key of ${keyName(entry.object.key)} began`
    case 'key.destroyed':
      return `The key of ${keyName(entry.object.key)} was destroyed ${WHY[entry.object.why]}; ${RECONCILED[entry.object.reconciled]}`
    case 'key.withheld':
      return `A key of ${keyName(entry.object.key)} will never be made here`
    case 'rulebook.recorded':
      return `In the register of rulebooks: ${RULEBOOK_DEEDS[entry.object.kind]}`
    case 'release.committed':
      return `Statistics of ${keyName(entry.object.epoch)} were published (${String(entry.object.manifests.length)} by their hashes)`
    case 'retention.dropped':
      return `Rows of ${keyName(entry.object.epoch)} were removed from ${entry.object.store}`
    case 'boot':
      return `${entry.object.service} ${entry.object.version} was started`
    case 'clock.jumped':
      return `The clock jumped ${entry.object.direction} by ${entry.object.by}`
    case 'clock.confirmed':
      return 'An operator confirmed the system’s time'
    case 'keeper.takeover':
      return `A standby keeper took over (term ${String(entry.object.term)})`
    case 'keeper.followed':
      return `${entry.object.by} began to keep copies of the keys, to take over with them`
    case 'provenance.failed':
      return `The check ${entry.object.check} failed: something stored was not decided by what ruled`
    case 'rights.receipt':
      return `A receipt was given for a right: ${entry.object.right}`
    case 'role.changed':
      return `The role ${entry.object.role} was ${entry.object.change}`
    case 'login':
      return `A sign-in as ${entry.object.role} was ${entry.object.outcome}`
    case 'budget.used':
      return `Privacy budget was used for ${entry.object.statistic}, ${entry.object.window}`
    default:
      return (entry as { readonly action: string }).action
  }
}
