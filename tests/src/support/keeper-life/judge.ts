/** Holds what the lives told, and what is on record, to what was promised. Each finding is a sentence; none is the aim. */
import { DAY, epochFromLabel, epochOf, HOUR, hourLabel, MINUTE, STREAMS } from '@tacit/contracts'
import { createPseudonymizer } from '@tacit/keyring'
import type { Evidence, KeyEntry } from './evidence.js'
import { PEOPLE, type Report } from './life-order.js'
import type { Life } from './lives.js'

/** The shipped rulebook's `lateness`, `destroy_key_after` and `keep.log`, by hand. */
const LATENESS = HOUR
const DESTROY_AFTER = 48 * HOUR
const LOG_KEY_LIFE = 24 * HOUR
/** How much longer counts that do not add up may hold a root (INV-26). */
const HOLD = 24 * HOUR
/** How long before its time a root may be made (docs/keys.md). */
const EARLY = 11 * MINUTE

/** When a root may be used, and when it must be dead, in ms. */
export function timesOf(label: string): { opens: number; closes: number; dies: number } {
  if (label.startsWith('hour:')) {
    const start = Date.parse(`${label.slice('hour:'.length)}:00:00Z`)
    return { opens: start - EARLY, closes: start + LOG_KEY_LIFE, dies: start + LOG_KEY_LIFE }
  }
  const { end, start } = epochFromLabel(label)
  return { opens: start - EARLY, closes: end + LATENESS, dies: end + DESTROY_AFTER }
}

const isTimed = (key: string): boolean => !/^(?:tenant|site):/.test(key)
const told = <R extends Report['r']>(lives: readonly Life[], ...kinds: readonly R[]) =>
  lives.flatMap(({ reports }) =>
    reports.filter((report): report is Extract<Report, { r: R }> =>
      (kinds as readonly string[]).includes(report.r),
    ),
  )

/** By key, its entries in order. */
function byKey(entries: readonly KeyEntry[]): Map<string, KeyEntry[]> {
  const keys = new Map<string, KeyEntry[]>()
  for (const entry of entries) keys.set(entry.key, [...(keys.get(entry.key) ?? []), entry])
  return keys
}

const STEPS = ['key.created', 'key.closed', 'key.destroying', 'key.destroyed']

/** After one life: the disk and the record agree, whatever killed it. */
export function judgeDisk({ entries, files }: Evidence, life: Life): string[] {
  const keys = byKey(entries)
  const has = (key: string, action: string): boolean =>
    keys.get(key)?.some((entry) => entry.action === action) === true
  const reached = told([life], 'reached')[0]?.name ?? ''
  const findings: string[] = []
  for (const key of [...keys.keys()].filter(isTimed)) {
    const isThere = files.includes(key)
    if (has(key, 'key.destroyed') && isThere) findings.push(`${key} is destroyed on record and on disk`)
    if (!has(key, 'key.destroying') && !isThere) findings.push(`${key} lives on record and not on disk`)
  }
  for (const key of files) {
    const isBeingMade = reached === key || reached.replace('-', ':').startsWith(`${key}.`)
    if (!keys.has(key) && !isBeingMade) findings.push(`${key} is on disk and not on record`)
  }
  return findings
}

/** Each root was made once, went through its states in order, and died in time, while a keeper ran that could kill it. */
export function judgeRecord(entries: readonly KeyEntry[], lives: readonly Life[]): string[] {
  const findings: string[] = []
  for (const [key, list] of byKey(entries)) {
    const steps = list.map(({ action }) => STEPS.indexOf(action)).filter((step) => step >= 0)
    if (steps[0] !== 0) findings.push(`${key} begins with another entry than its creation`)
    if (steps.some((step, at) => at > 0 && step <= (steps[at - 1] ?? 0))) findings.push(`${key} goes back`)
    if (!isTimed(key)) continue
    const created = list[0]?.at ?? 0
    const { closes, dies, opens } = timesOf(key)
    if (created < opens || created >= closes) findings.push(`${key} was made out of its time`)
    const verdict = list.findLast(({ action }) => action === 'key.held' || action === 'key.reconciled')
    const deadline = dies + (verdict?.action === 'key.held' && !key.startsWith('hour:') ? HOLD : 0)
    const destroyed = list.find(({ action }) => action === 'key.destroyed')
    if (destroyed === undefined) {
      findings.push(`${key} never died`)
      continue
    }
    if (destroyed.why === 'lost') findings.push(`${key} was lost`)
    if (destroyed.why === 'schedule' && destroyed.at < deadline) findings.push(`${key} died before its time`)
    const outlived = runningTime(lives, deadline, destroyed.at)
    if (outlived > 0)
      findings.push(`${key} outlived its deadline, with a keeper running ${outlived} ms too long`)
  }
  return findings
}

/** ms beyond one check interval in which a keeper ran within a span. */
function runningTime(lives: readonly Life[], from: number, to: number): number {
  return lives.reduce((sum, { end, order }) => {
    const ran = Math.min(end, to) - Math.max(order.from, from)
    return sum + Math.max(0, ran - order.checkMs)
  }, 0)
}

/** One key for each (epoch, scope) and (hour, producer), and none out of its time. */
export function judgeKeys(lives: readonly Life[], entries: readonly KeyEntry[]): string[] {
  const findings: string[] = []
  const known = new Map<string, string>()
  const journal = byKey(entries)
  const look = (label: string, whose: string, key: string, at: number): void => {
    const name = `${label} of ${whose}`
    if ((known.get(name) ?? key) !== key) findings.push(`two roots: ${name}`)
    known.set(name, key)
    const { closes, opens } = timesOf(label)
    const list = journal.get(label) ?? []
    if (at < opens || at >= closes) findings.push(`a key of ${label} out of its time`)
    if (!list.some(({ action, at: made }) => action === 'key.created' && made <= at)) {
      findings.push(`a key of ${label}, whose root is not on record`)
    }
    if (list.some((entry) => /closed|destroy/.test(entry.action) && entry.at < at)) {
      findings.push(`a key of ${label}, which was over`)
    }
  }
  for (const { at, epoch, key, scope } of told(lives, 'key')) {
    if (key !== undefined) look(epoch, JSON.stringify(scope), key, at)
  }
  for (const { at, hour, key, producer } of told(lives, 'hour')) {
    if (key !== null) look(hourLabel(hour), producer, key, at)
  }
  return findings
}

export interface Accepted {
  readonly findings: readonly string[]
  readonly rows: number
  /** events that came after their epoch had closed, as the batches count them */
  readonly late: number
}

/** Every row in the log is of somebody under a root on record that was open then; every answered event is there. */
export function judgeRows(lives: readonly Life[], entries: readonly KeyEntry[]): Accepted {
  const findings: string[] = []
  const created = new Map(
    entries.filter(({ action }) => action === 'key.created').map(({ at, key }) => [key, at]),
  )
  const people = pseudonyms(lives)
  const batches = new Map(told(lives, 'batch').map((batch) => [batch.position, batch]))
  const found = new Map<string, number>()
  for (const { hour, rows } of batches.values()) {
    if (!created.has(hourLabel(hour))) findings.push(`a batch of an hour without a root`)
    if (rows === null) findings.push(`a batch of ${hourLabel(hour)} cannot be opened`)
    for (const [epoch, tenant, person] of rows ?? []) {
      const { closes, opens } = timesOf(epoch)
      if ((created.get(epoch) ?? Number.POSITIVE_INFINITY) >= hour + HOUR)
        findings.push(`a row of ${epoch} without a root`)
      if (hour >= closes || hour + HOUR <= opens) findings.push(`a row of ${epoch}, which was not open`)
      const who = people.get(`${epoch} ${tenant} ${person}`)
      if (who === undefined)
        findings.push(`a row of ${epoch} under a pseudonym of no key that was handed out`)
      const name = `${epoch} ${who ?? ''}`
      found.set(name, (found.get(name) ?? 0) + 1)
    }
  }
  const [sent, acked] = [countsOf(told(lives, 'sent')), countsOf(told(lives, 'acked'))]
  for (const [name, most] of sent.inTime) {
    // Of a week an event has a row of its device and one of its cohort.
    const rowsOfEvent = name.startsWith('week:') ? 2 : 1
    const [least, count] = [acked.inTime.get(name) ?? 0, (found.get(name) ?? 0) / rowsOfEvent]
    if (count < least || count > most) findings.push(`${name}: ${count} rows of ${least} to ${most} events`)
  }
  for (const name of found.keys())
    if (!sent.inTime.has(name)) findings.push(`${name}: nobody sent that in time`)
  const late = [...batches.values()].reduce((sum, batch) => sum + batch.late, 0)
  if (late < acked.late || late > sent.late)
    findings.push(`${late} late of ${acked.late} to ${sent.late} events`)
  return { findings, rows: [...found.values()].reduce((sum, count) => sum + count, 0), late }
}

/** (epoch, tenant's pseudonym, person's pseudonym) → whose they are, from the keys that were handed out. */
function pseudonyms(lives: readonly Life[]): Map<string, string> {
  const keys = told(lives, 'key').filter(({ key }) => key !== undefined)
  const tenantsKeys = new Map(
    keys.filter(({ scope }) => scope.of === 'tenants').map(({ epoch, key }) => [epoch, key]),
  )
  const people = new Map<string, string>()
  const done = new Set<string>()
  for (const { epoch, key = '', scope } of keys) {
    const ofTenants = tenantsKeys.get(epoch)
    if (scope.of !== 'tenant' || ofTenants === undefined || done.has(`${epoch} ${scope.tenant}`)) continue
    done.add(`${epoch} ${scope.tenant}`)
    const tenant = createPseudonymizer(Buffer.from(ofTenants, 'hex')).pseudonym('tenant', scope.tenant)
    const own = createPseudonymizer(Buffer.from(key, 'hex'))
    for (let at = 0; at < PEOPLE; at++) {
      people.set(`${epoch} ${tenant} ${own.pseudonym('uid', `p-${at}`)}`, `${scope.tenant}/p-${at}`)
    }
  }
  return people
}

/** Events by (epoch, person) in every stream; those whose day had closed are late for all. */
function countsOf(events: readonly Extract<Report, { r: 'sent' | 'acked' }>[]): {
  inTime: Map<string, number>
  late: number
} {
  const inTime = new Map<string, number>()
  let late = 0
  for (const { at, person, tenant, time } of events) {
    if (at >= time - (time % DAY) + DAY + LATENESS) {
      late++
      continue
    }
    for (const stream of STREAMS) {
      const name = `${epochOf(stream, time).label} ${tenant}/${person}`
      inTime.set(name, (inTime.get(name) ?? 0) + 1)
    }
  }
  return { inTime, late }
}

/** Each root whose counts were said not to add up is held on record, so that its later death is no breach. */
export function judgeHeld(lives: readonly Life[], entries: readonly KeyEntry[]): string[] {
  const keys = byKey(entries)
  const said = new Set(told(lives, 'mismatch').map(({ epoch }) => epoch))
  return [...said].flatMap((epoch) => {
    const record = keys.get(epoch)
    return record === undefined || record.some(({ action }) => action === 'key.held')
      ? []
      : [`${epoch} does not add up and is not held`]
  })
}

/** What a keeper never tells in a good house. */
export function judgeTicks(lives: readonly Life[]): string[] {
  return told(lives, 'opened', 'tick').flatMap(({ failed, lost }) => [
    ...lost.map((label) => `${label} is lost`),
    ...failed.map((label) => `the destruction of ${label} failed`),
  ])
}
