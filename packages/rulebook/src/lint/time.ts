/** Times: when the rulebook rules, how windows close, when keys die, how long stores keep. */
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
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
  if (notice !== undefined && notice.at > effective) {
    report(
      'RULE_NOTICE',
      source.place(['notice', 'at']),
      'The notice lies after the day the rulebook takes effect.',
    )
  }
}

function lintEpochs({ draft, report }: LintContext): void {
  const { epochs, statistics, source } = draft
  if (epochs === undefined) return
  if (epochs.lateness < MIN_LATENESS || epochs.lateness > MAX_LATENESS) {
    report('RULE_LATENESS', source.place(['epochs', 'lateness']), 'lateness must be from 1m to 24h.')
  }
  if (epochs.destroy_key_after <= epochs.lateness || epochs.destroy_key_after > MAX_STAGING) {
    const message = 'destroy_key_after must be more than lateness and at most 72h.'
    report('RULE_KEY_LIFE', source.place(['epochs', 'destroy_key_after']), message)
  }
  const windows = new Set([...statistics.good.values()].flatMap(({ window }) => window.map(streamOf)))
  for (const [index, stream] of epochs.streams.entries()) {
    const place = source.place(['epochs', 'streams', index])
    if (epochs.streams.indexOf(stream) !== index) {
      report('RULE_VALUE_TWICE', place, `The stream ${stream} stands here a second time.`)
    } else if (!windows.has(stream) && statistics.broken.size === 0) {
      report('RULE_STREAM_UNUSED', place, `No statistic has a ${stream} window.`)
    }
  }
  for (const needed of windows) {
    if (!epochs.streams.includes(needed)) {
      report(
        'RULE_VALUE',
        source.place(['epochs', 'streams']),
        `A statistic is counted from the ${needed} stream, which is not listed.`,
      )
    }
  }
}

function lintKeep({ draft, report }: LintContext): void {
  const { keep, epochs, source } = draft
  if (keep === undefined) return
  if (keep.log < HOUR || keep.log > MAX_LOG) {
    report('RULE_KEEP_LOG', source.place(['keep', 'log']), 'The log keeps from 1h to 24h.')
  }
  if (keep.staging > MAX_STAGING) {
    report('RULE_STAGING', source.place(['keep', 'staging']), 'Staging is kept beyond epoch + 72h.')
  } else if (epochs !== undefined && keep.staging < epochs.destroy_key_after) {
    const message = 'Staging is kept shorter than the keys of its epoch live.'
    report('RULE_STAGING', source.place(['keep', 'staging']), message)
  }
  if (keep.released < 1 || keep.released > MAX_RELEASED_MONTHS) {
    report(
      'RULE_KEEP_RELEASED',
      source.place(['keep', 'released']),
      'Released cells are kept from 1 to 25 months.',
    )
  }
  if (keep.audit < AUDIT_DAYS.least || keep.audit > AUDIT_DAYS.most) {
    const message = `The audit log is kept from ${AUDIT_DAYS.least} to ${AUDIT_DAYS.most} days.`
    report('RULE_KEEP_AUDIT', source.place(['keep', 'audit']), message)
  }
}

export function lintTime(context: LintContext): void {
  lintValidity(context)
  lintEpochs(context)
  lintKeep(context)
}
