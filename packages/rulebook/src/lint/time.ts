/** Times: when the rulebook rules, how windows close, when keys die, how long stores keep, and how much may wait. */
import { DAY } from '@tacit/contracts'
import { SPOOL_BYTES, TIME_BOUNDS } from '../bounds.js'
import type { FindingCode } from '../codes.js'
import { NOTICE_DAYS } from '../diff/index.js'
import { addMonths } from '../durations.js'
import { streamOf } from '../plan.js'
import type { LintContext } from './context.js'

const { audit: AUDIT, life: LIFE, log: LOG, released: RELEASED, staging: STAGING } = TIME_BOUNDS

function lintValidity({ draft, report }: LintContext): void {
  const { effective, expires, notice, source } = draft
  if (effective === undefined) return
  if (expires !== undefined && (expires <= effective || expires > addMonths(effective, LIFE.most))) {
    const message = `expires must lie after effective, and at most ${LIFE.most} months after it.`
    report('RULE_EXPIRY', source.place(['expires']), message)
  }
  if (notice?.at === undefined) return
  const place = source.place(['notice', 'at'])
  const days = Math.round((effective - notice.at) / DAY)
  if (days < 0) {
    report('RULE_NOTICE', place, 'The notice lies after the day the rulebook takes effect.')
  } else if (days < NOTICE_DAYS) {
    report(
      'RULE_NOTICE_SHORT',
      place,
      `The notice lies ${days} ${days === 1 ? 'day' : 'days'} before the rulebook takes effect.`,
    )
  }
}

function lintEpochs({ draft, report }: LintContext): void {
  const { epochs, source } = draft
  if (epochs === undefined) return
  const { destroy_key_after: destroyed, lateness } = epochs
  if (
    lateness !== undefined &&
    (lateness < TIME_BOUNDS.lateness.least || lateness > TIME_BOUNDS.lateness.most)
  ) {
    report('RULE_LATENESS', source.place(['epochs', 'lateness']), 'lateness must be from 1m to 24h.')
  }
  if (destroyed !== undefined && (destroyed <= (lateness ?? 0) || destroyed > TIME_BOUNDS.keyLife.most)) {
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
    statistics.present &&
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
    if (streams.includes(needed)) continue
    const [id] = [...statistics.read].find(([, { window }]) => window?.map(streamOf).includes(needed)) ?? ['']
    const message = `\`statistics.${id}.window\` needs the ${needed} stream, which \`epochs.streams\` does not list.`
    const fix = `Add \`${needed}\` to \`epochs.streams\`, or give the statistic another window.`
    report('RULE_STREAM_MISSING', source.place(['epochs', 'streams']), message, fix)
  }
}

function lintKeep({ draft, report }: LintContext): void {
  const { epochs, source } = draft
  const { audit, log, released, spool, staging } = draft.keep ?? {}
  const say = (code: FindingCode, key: string, message: string): void =>
    report(code, source.place(['keep', key]), message)
  if (log !== undefined && (log < LOG.least || log > LOG.most)) {
    say('RULE_KEEP_LOG', 'log', 'The log keeps from 1h to 24h.')
  }
  if (staging !== undefined && staging > STAGING.most) {
    say('RULE_STAGING', 'staging', 'Staging is kept beyond epoch + 72h.')
  } else if (staging !== undefined && staging < Math.min(epochs?.destroy_key_after ?? 0, STAGING.most)) {
    say('RULE_STAGING', 'staging', 'Staging is kept shorter than the keys of its epoch live.')
  }
  if (released !== undefined && (released < RELEASED.least || released > RELEASED.most)) {
    say('RULE_KEEP_RELEASED', 'released', 'Released cells are kept from 1 to 25 months.')
  }
  if (audit !== undefined && (audit < AUDIT.least || audit > AUDIT.most)) {
    say('RULE_KEEP_AUDIT', 'audit', `The audit log is kept from ${AUDIT.least} to ${AUDIT.most} days.`)
  }
  if (spool !== undefined && (spool < SPOOL_BYTES.least || spool > SPOOL_BYTES.most)) {
    say('RULE_KEEP_SPOOL', 'spool', 'The spool of a collector holds from 16 MiB to 64 GiB.')
  }
}

export function lintTime(context: LintContext): void {
  lintValidity(context)
  lintEpochs(context)
  lintStreams(context)
  lintKeep(context)
}
