/** Times: when the rulebook rules, how windows close, when keys die, how long stores keep. */
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import type { FindingCode } from '../codes.js'
import { NOTICE_DAYS } from '../diff/index.js'
import { addMonths } from '../durations.js'
import { streamOf } from '../plan.js'
import type { LintContext } from './context.js'

const MAX_LIFE_MONTHS = 13
const MIN_LATENESS = MINUTE
const MAX_LATENESS = DAY
const MAX_STAGING = 72 * HOUR
const MAX_LOG = 24 * HOUR
const MAX_RELEASED_MONTHS = 25
const AUDIT_DAYS = { least: 365, most: 1100 }

function lintValidity({ draft, report }: LintContext): void {
  const { effective, expires, notice, source } = draft
  if (effective === undefined) return
  if (expires !== undefined && (expires <= effective || expires > addMonths(effective, MAX_LIFE_MONTHS))) {
    const message = `expires must lie after effective, and at most ${MAX_LIFE_MONTHS} months after it.`
    report('RULE_EXPIRY', source.place(['expires']), message)
  }
  if (notice?.at === undefined) return
  const place = source.place(['notice', 'at'])
  const days = Math.round((effective - notice.at) / DAY)
  if (days < 0) {
    report('RULE_NOTICE', place, 'The notice lies after the day the rulebook takes effect.')
  } else if (days < NOTICE_DAYS) {
    report('RULE_NOTICE_SHORT', place, `The notice lies ${days} days before the rulebook takes effect.`)
  }
}

function lintEpochs({ draft, report }: LintContext): void {
  const { epochs, source } = draft
  if (epochs === undefined) return
  const { destroy_key_after: destroyed, lateness } = epochs
  if (lateness !== undefined && (lateness < MIN_LATENESS || lateness > MAX_LATENESS)) {
    report('RULE_LATENESS', source.place(['epochs', 'lateness']), 'lateness must be from 1m to 24h.')
  }
  if (destroyed !== undefined && (destroyed <= (lateness ?? 0) || destroyed > MAX_STAGING)) {
    const message = 'destroy_key_after must be more than lateness and at most 72h.'
    report('RULE_KEY_LIFE', source.place(['epochs', 'destroy_key_after']), message)
  }
}

function lintStreams({ draft, report }: LintContext): void {
  const { statistics, source } = draft
  const streams = draft.epochs?.streams
  if (streams === undefined) return
  const read = [...statistics.read.values()]
  const windows = new Set(read.flatMap(({ window }) => window?.map(streamOf) ?? []))
  const isKnown =
    read.length === statistics.good.size + statistics.broken.size &&
    read.every(({ window }) => window !== undefined)
  for (const [index, stream] of streams.entries()) {
    const place = source.place(['epochs', 'streams', index])
    if (streams.indexOf(stream) !== index) {
      report('RULE_VALUE_TWICE', place, `The stream ${stream} stands here a second time.`)
    } else if (!windows.has(stream) && isKnown) {
      report('RULE_STREAM_UNUSED', place, `No statistic has a ${stream} window.`)
    }
  }
  for (const needed of windows) {
    if (!streams.includes(needed)) {
      const message = `A statistic is counted from the ${needed} stream, which is not listed.`
      report('RULE_VALUE', source.place(['epochs', 'streams']), message, `Add ${needed} to the streams.`)
    }
  }
}

function lintKeep({ draft, report }: LintContext): void {
  const { epochs, source } = draft
  const { audit, log, released, staging } = draft.keep ?? {}
  const say = (code: FindingCode, key: string, message: string): void =>
    report(code, source.place(['keep', key]), message)
  if (log !== undefined && (log < HOUR || log > MAX_LOG)) {
    say('RULE_KEEP_LOG', 'log', 'The log keeps from 1h to 24h.')
  }
  if (staging !== undefined && staging > MAX_STAGING) {
    say('RULE_STAGING', 'staging', 'Staging is kept beyond epoch + 72h.')
  } else if (staging !== undefined && staging < Math.min(epochs?.destroy_key_after ?? 0, MAX_STAGING)) {
    say('RULE_STAGING', 'staging', 'Staging is kept shorter than the keys of its epoch live.')
  }
  if (released !== undefined && (released < 1 || released > MAX_RELEASED_MONTHS)) {
    say('RULE_KEEP_RELEASED', 'released', 'Released cells are kept from 1 to 25 months.')
  }
  if (audit !== undefined && (audit < AUDIT_DAYS.least || audit > AUDIT_DAYS.most)) {
    const { least, most } = AUDIT_DAYS
    say('RULE_KEEP_AUDIT', 'audit', `The audit log is kept from ${least} to ${most} days.`)
  }
}

export function lintTime(context: LintContext): void {
  lintValidity(context)
  lintEpochs(context)
  lintStreams(context)
  lintKeep(context)
}
