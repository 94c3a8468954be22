/**
 * Whether every key lived as keys must, from the entries alone: made once, destroyed in two steps, in time, and nothing
 * after. Memory grows with the keys that live, and by a few bytes for each that died.
 *
 * Time is the keeper's clock, which entries call `at`. A log that is imported under a driven clock is dated long after:
 * a key that was made so may die in a later run, under the clock of that day. So a key is late only where it also was on
 * record, by the times of its entries, for longer than it had left to live when it was made. And one that lives is held to
 * the clock of the last run where only driven runs had it: that stands still when the run is over. Which run is driven,
 * its `boot` says.
 */
import { DAY, epochFromLabel, HOUR, MINUTE, parseInstant } from '@tacit/contracts'
import type { Findings } from './findings.js'

/** An epoch's key whose counts do not add up is kept for so much longer, ms; an hour's never is. */
const HOLD_MS = DAY

export interface LifeRules {
  /** how long after its end an epoch's key lives, ms: the rulebook's `epochs.destroy_key_after` */
  readonly destroyAfterMs: number
  /** how long after its start an hour's key lives, ms; default 24 h */
  readonly hourLifeMs?: number
  /** how much later than its deadline a key may die, ms: the keeper looks once a minute; default 10 min */
  readonly graceMs?: number
}

/** The rulebook's default. */
export const DESTROY_AFTER_MS = 2 * DAY
export const GRACE_MS = 10 * MINUTE

/** A span of time on a command line, such as `48h`, `2d` or `10m`, in ms; null where it is none. */
export function readSpan(text: string): number | null {
  const [, count, unit] = /^([1-9]\d{0,4})([dhm])$/.exec(text) ?? []
  if (count === undefined) return null
  return Number(count) * (unit === 'd' ? DAY : unit === 'h' ? HOUR : MINUTE)
}

interface Life {
  readonly seq: number
  /** ms, of its creation: by the keeper's clock, and of the entry */
  readonly at: number
  readonly time: number
  /** ms, by the keeper's clock; infinite for those of tenants and sites */
  deadline: number
  /** made by a driven run */
  readonly isDriven: boolean
  isHeld: boolean
  isDestroying: boolean
}

/** A step as its entry tells it. */
interface KeyStep {
  /** the entry */
  readonly seq: number
  /** of the entry, RFC 3339 */
  readonly time: string
  /** `created`, `destroyed` …: the action without `key.` */
  readonly step: string
  readonly key: string
  /** RFC 3339, by the keeper's clock */
  readonly at: string
}

/** Who begins says so himself; over TLS the keeper writes who it was, which is neither of the two. */
const BOOT = '{"entry":{"action":"boot","actor":"'
const DRIVEN = ['import"', 'simulate"'].map((actor) => BOOT + actor)
const STEP_AT = '{"entry":{"action":"key.'
const AT = '"object":{"at":"'
const KEY = '"key":"'
const TIME_LENGTH = '2026-08-05T00:00:01Z'.length

/** The step that a line tells of; null where it is about no key. */
function keyStepOf(line: string, seq: number, time: string): KeyStep | null {
  if (!line.startsWith(STEP_AT)) return null
  const step = line.slice(STEP_AT.length, line.indexOf('"', STEP_AT.length))
  const at = line.indexOf(AT) + AT.length
  const key = line.indexOf(KEY, at) + KEY.length
  return {
    seq,
    time,
    step,
    key: line.slice(key, line.indexOf('"', key)),
    at: line.slice(at, at + TIME_LENGTH),
  }
}

export class KeyLives {
  readonly #findings: Findings
  readonly #rules: Required<LifeRules>
  readonly #living = new Map<string, Life>()
  readonly #dead = new Set<string | number>()
  /** ms: the latest of the keeper's clock in this run */
  #latest = 0
  #isDriven = false
  /** the entry with which the last run began that was not driven */
  #lastLive = 0

  constructor(findings: Findings, { destroyAfterMs, hourLifeMs = DAY, graceMs = GRACE_MS }: LifeRules) {
    this.#findings = findings
    this.#rules = { destroyAfterMs, hourLifeMs, graceMs }
  }

  /** The log's next entry. @param line of a known form (entry-line.ts) */
  take(line: string, seq: number, time: string): void {
    if (line.startsWith(BOOT)) this.#begin(line, seq)
    const step = keyStepOf(line, seq, time)
    if (step !== null) this.#take(step)
  }

  #begin(line: string, seq: number): void {
    this.#isDriven = DRIVEN.some((start) => line.startsWith(start))
    this.#latest = 0
    if (!this.#isDriven) this.#lastLive = seq
  }

  #take(step: KeyStep): void {
    const { key, seq } = step
    const time = msOf(step.time)
    const told = msOf(step.at)
    if (Number.isNaN(told))
      this.#add('key_order', `${key} has a step at a time that the calendar lacks.`, seq)
    const at = Number.isNaN(told) ? time : told
    this.#latest = Math.max(this.#latest, at)
    // That an epoch will not be opened here says nothing of what became of it elsewhere.
    if (step.step === 'withheld') return
    const life = this.#living.get(key)
    const isDead = life === undefined && this.#dead.has(shortName(key))
    if (step.step === 'created') {
      if (life !== undefined || isDead) this.#add('key_twice', `${key} was made a second time.`, seq)
      else this.#living.set(ownText(key), this.#born(key, { seq, at, time }))
    } else if (isDead) {
      this.#add('key_order', `${key} was destroyed before, and this says more of it.`, seq)
    } else if (life === undefined) {
      this.#add('key_order', `${key} was never made, as far as the log tells.`, seq)
      if (step.step === 'destroyed') this.#dead.add(shortName(key))
    } else {
      this.#step(life, step, { at, time })
    }
  }

  #born(key: string, { at, seq, time }: Pick<Life, 'at' | 'seq' | 'time'>): Life {
    const deadline = this.#deadlineOf(key)
    if (Number.isNaN(deadline)) this.#add('key_order', `${key} is the name of no epoch.`, seq)
    return { seq, at, time, deadline, isDriven: this.#isDriven, isHeld: false, isDestroying: false }
  }

  #step(life: Life, { key, seq, step }: KeyStep, now: { readonly at: number; readonly time: number }): void {
    if (now.at < life.at) this.#add('key_order', `${key} has a step at a time before it was made.`, seq)
    if (step === 'held' && !life.isHeld && !key.startsWith('hour:')) {
      life.isHeld = true
      life.deadline += HOLD_MS
    }
    if (step === 'destroying') life.isDestroying = true
    if (step !== 'destroyed') return
    if (!life.isDestroying) {
      this.#add('key_order', `${key} was destroyed without a beginning of that on record.`, seq)
    }
    if (this.#isLate(life, now.at, now.time)) {
      const late = spanOf(now.at - life.deadline)
      this.#add(
        'key_late',
        `${key} was destroyed ${late} after its deadline: the keeper did not run then, or somebody kept the key.`,
        seq,
      )
    }
    this.#living.delete(key)
    this.#dead.add(shortName(key))
  }

  #isLate(life: Life, at: number, time: number): boolean {
    const { graceMs } = this.#rules
    return at > life.deadline + graceMs && time - life.time > life.deadline - life.at + graceMs
  }

  /** What still lives is judged by the log's last moment. @param lastTime of its last entry; empty where it has none */
  end(lastTime: string): void {
    if (lastTime === '') return
    const time = Date.parse(lastTime)
    for (const [key, life] of this.#living) {
      // A keeper on the system's clock destroys at its start what is overdue by that, whoever made it.
      const isDriven = life.isDriven && life.seq > this.#lastLive
      const at = isDriven ? this.#latest : Math.max(this.#latest, time)
      if (!this.#isLate(life, at, time)) continue
      const late = spanOf(at - life.deadline)
      this.#add(
        'key_living',
        `${key} should have been destroyed ${late} before the log ends, and lives.`,
        life.seq,
      )
    }
  }

  /** ms; infinite where it has none; NaN where it is of no epoch */
  #deadlineOf(key: string): number {
    const [stream, label = ''] = key.split(':', 2)
    if (stream === 'tenant' || stream === 'site') return Number.POSITIVE_INFINITY
    if (stream === 'hour') return Date.parse(`${label}:00:00Z`) + this.#rules.hourLifeMs
    try {
      return epochFromLabel(key).end + this.#rules.destroyAfterMs
    } catch {
      return Number.NaN
    }
  }

  #add(code: 'key_twice' | 'key_order' | 'key_late' | 'key_living', text: string, seq: number): void {
    this.#findings.add(code, `Entry ${String(seq)}: ${text}`, seq)
  }
}

let lastText = ''
let lastMs = 0

/** Entries that follow each other tell the same few times: the answer is kept. @returns ms; NaN where it is no RFC 3339 */
function msOf(text: string): number {
  if (text !== lastText) {
    lastMs = parseInstant(text)
    lastText = text
  }
  return lastMs
}

/** The same text in memory of its own: a slice would keep its whole line. */
function ownText(key: string): string {
  return Buffer.from(key, 'latin1').toString('latin1')
}

/** A key in few bytes, and no other: a number for days and hours, half as many characters for tenants. */
function shortName(key: string): string | number {
  const colon = key.indexOf(':')
  const [stream, label] = [key.slice(0, colon), key.slice(colon + 1)]
  if (stream === 'tenant' || stream === 'site') {
    return Buffer.from(`${stream === 'tenant' ? '00' : '01'}${label}`, 'hex').toString('latin1')
  }
  // `day:2026-08-05` is day2026-08-05; digits alone tell a label within a stream, by their number and their order.
  const digits = label.replace(/\D/g, '')
  return Number(`${String(digits.length / 2)}${String('dwmh'.indexOf(stream.charAt(0)) + 1)}${digits}`)
}

/** `3 hours`: rounded down, in the largest unit of which there are two. */
export function spanOf(ms: number): string {
  const units = [
    ['day', DAY],
    ['hour', HOUR],
    ['minute', MINUTE],
  ] as const
  const [name, unit] = units.find(([, length]) => ms >= 2 * length) ?? (['minute', MINUTE] as const)
  const count = Math.max(1, Math.floor(ms / unit))
  return `${String(count)} ${name}${count === 1 ? '' : 's'}`
}
