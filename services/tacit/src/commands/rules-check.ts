/** `rules check`: everything that is wrong with a rulebook, with `--data` also against what was measured. */
import {
  effectiveNow,
  type Finding,
  findingAt,
  measuredFindings,
  RULEBOOK_FILE,
  type Rulebook,
} from '@tacit/rulebook'
import { basename } from 'node:path'
import { Command } from 'commander'
import { counted } from '../counted.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { measuredStatistics } from '../house/measured.js'
import { findingText, readRulebook } from '../house/rulebook-files.js'
import { EXIT, print, printJson } from '../output.js'

interface CheckOptions {
  readonly data?: string
  readonly json?: boolean
}

interface Checked {
  readonly ok: boolean
  /** null where the rulebook cannot be read */
  readonly rulebook: string | null
  readonly version: string | null
  readonly hash: string | null
  /** statistics with released cells that it was held against; null without `--data` */
  readonly measured: number | null
  readonly findings: readonly Finding[]
}

/** Of a rulebook that ruled once: it is read, and no instance starts under it. */
function expiredFindings(rulebook: Rulebook, file: string): readonly Finding[] {
  if (effectiveNow(rulebook, Date.now()) !== 'expired') return []
  const source = { file, text: rulebook.sources[RULEBOOK_FILE] ?? '' }
  return [
    findingAt('RULE_EXPIRED', source, ['expires'], 'The rulebook has expired: nothing is ingested under it.'),
  ]
}

async function check(file: string, data: string | undefined): Promise<Checked> {
  const { findings, rulebook } = readRulebook(file)
  const measured = data === undefined ? null : await measuredStatistics(data)
  const more =
    rulebook === null || measured === null ? [] : measuredFindings(rulebook, basename(file), measured)
  const expired = rulebook === null ? [] : expiredFindings(rulebook, basename(file))
  return {
    ok: rulebook !== null && more.length === 0,
    rulebook: rulebook?.name ?? null,
    version: rulebook?.version ?? null,
    hash: rulebook?.hash ?? null,
    measured: measured === null ? null : new Set(measured.map(({ id, site }) => `${site} ${id}`)).size,
    findings: [...findings, ...expired, ...more],
  }
}

function printChecked({ findings, hash, measured, ok, rulebook, version }: Checked): void {
  for (const finding of findings) print(findingText(finding))
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = counted(findings.length - errors, 'warning')
  if (measured === 0) print('No statistic has been published there yet: nothing could be measured.')
  else if (measured !== null && rulebook !== null)
    print(`Held against ${counted(measured, 'published statistic')}.`)
  print(
    ok
      ? `${rulebook} ${version} is sound (${warnings}). Hash ${hash}`
      : `${counted(errors, 'error')}, ${warnings}.`,
  )
}

export function rulesCheckCommand(): Command {
  return new Command('check')
    .description(
      'Read a rulebook and its catalogues, and say everything that is wrong, with place, reason and remedy',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option('--data <dir>', 'a data directory: also hold it against what was measured there')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit rules check rulebooks/erp/rulebook.yaml\n  $ npx tacit rules check my/rulebook.yaml --data .tacit\n',
    )
    .action(async (file: string, { data, json }: CheckOptions) => {
      const checked = await check(file, data)
      if (json === true) printJson(checked)
      else printChecked(checked)
      if (!checked.ok) process.exitCode = EXIT.failed
    })
}
