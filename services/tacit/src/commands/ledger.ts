import { Command } from 'commander'
import type { DetectionsAnswer, LedgerAnswer } from '@tacit/dashboard'
import { openReader, queryOf } from '../house/reader.js'
import { print, table } from '../output.js'

interface LedgerOptions {
  readonly from?: string
  readonly to?: string
  readonly site?: string
  readonly data: string
  readonly detections?: boolean
  readonly json?: boolean
}

function ledgerTable({ rows, sample }: LedgerAnswer & { readonly sample?: boolean }): string {
  if (rows.length === 0) return 'Nothing was received yet.'
  const note = sample === true ? 'Sample data.\n' : ''
  const reasons = [...new Set(rows.flatMap(({ dropped }) => Object.keys(dropped)))].sort()
  return `${note}${table(
    ['hour', 'received', 'accepted', ...reasons],
    rows.map((row) => [
      row.hour,
      row.received,
      row.accepted,
      ...reasons.map((reason) => row.dropped[reason] ?? 0),
    ]),
  )}`
}

function detectionsTable({ rows, sample }: DetectionsAnswer & { readonly sample?: boolean }): string {
  if (rows.length === 0) return 'No detector found anything.'
  const note = sample === true ? 'Sample data.\n' : ''
  return `${note}${table(
    ['day of receipt', 'detector', 'field', 'events dropped'],
    rows.map(({ day, detector, events, field }) => [day, detector, field, events]),
  )}`
}

export function ledgerCommand(): Command {
  return new Command('ledger')
    .description(
      'Received = accepted + dropped by reason, per hour of event time; all choices of people are one reason, `refused`',
    )
    .option('--from <date>', 'first UTC day, YYYY-MM-DD')
    .option('--to <date>', 'last UTC day, included')
    .option('--site <site>', 'a site of the rulebook, e.g. sample')
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--detections', 'instead: what detectors dropped, by UTC day of receipt, detector and field')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit ledger --from 2026-11-01 --to 2026-11-07\n  $ npx tacit ledger --detections\n',
    )
    .action(async ({ data, detections, from, json, site, to }: LedgerOptions) => {
      const reader = await openReader(data)
      try {
        const view = detections === true ? 'detections' : 'ledger'
        const body = reader.empty
          ? '{"rows":[]}'
          : await reader.get(`/api/v1/${view}${queryOf({ from, to, site })}`)
        if (json) print(body)
        else if (detections === true) print(detectionsTable(JSON.parse(body) as DetectionsAnswer))
        else print(ledgerTable(JSON.parse(body) as LedgerAnswer))
      } finally {
        await reader.close()
      }
    })
}
