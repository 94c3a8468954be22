/** The rulebook of the sample site, derived from another one, so that sample data obeys the very same rules. */
import { TacitError } from '@tacit/contracts'
import { type Document, isMap, isScalar, parseDocument, type YAMLMap } from 'yaml'
import { RULEBOOK_FILE } from './catalogues.js'
import { readDay } from './durations.js'

export interface SampleOptions {
  /** the name of the derived site, `sample` by default */
  readonly site?: string
  /** the name of the derived rulebook, `erp-sample` by default */
  readonly name?: string
  /** origins of the sample page */
  readonly origins: readonly string[]
  /** UTC day from which it rules, `2026-11-01` */
  readonly effective: string
  /** UTC day from whose start it no longer rules, at most 13 months later */
  readonly expires: string
}

const NOTICE_DAYS = 31
const unusable = (): TacitError =>
  new TacitError(
    'ERR_RULEBOOK_INVALID',
    'The sample is derived from a rulebook with a signed site; run `tacit rules check` on it.',
  )

function mapAt(document: Document, key: string): YAMLMap {
  const node: unknown = document.get(key, true)
  if (!isMap(node)) throw unusable()
  return node
}

/** Keeps one site under its new name, and its statistics; other sites are no matter of the sample. */
function renameSite(document: Document, to: string): void {
  const sites = mapAt(document, 'sites')
  const kept = sites.items.find((pair) => isMap(pair.value) && pair.value.get('identity') === 'signed')
  const from = kept !== undefined && isScalar(kept.key) ? kept.key.value : undefined
  if (kept === undefined || from === undefined) throw unusable()
  sites.items = [kept]
  kept.key = document.createNode(to)
  const statistics = mapAt(document, 'statistics')
  statistics.items = statistics.items.filter((pair) => isMap(pair.value) && pair.value.get('site') === from)
  for (const { value } of statistics.items) if (isMap(value)) value.set('site', to)
}

/**
 * Derives the sample's texts from those of a rulebook (`rulebook.sources`: the rulebook itself under
 * `rulebook.yaml`). Only the name, the site, its origins, the dates and `bots: count` differ.
 * @throws TacitError ERR_RULEBOOK_INVALID where the rulebook has no signed site, or a date is none
 */
export function withSample(
  sources: Readonly<Record<string, string>>,
  options: SampleOptions,
): Record<string, string> {
  const effective = readDay(options.effective)
  if (effective === null || readDay(options.expires) === null) throw unusable()
  const text = sources[RULEBOOK_FILE]
  const document = parseDocument(text ?? '', { logLevel: 'silent' })
  if (text === undefined || document.errors.length > 0 || !isMap(document.contents)) throw unusable()

  const site = options.site ?? 'sample'
  renameSite(document, site)
  document.setIn(['sites', site, 'origins'], document.createNode([...options.origins], { flow: true }))
  document.set('rulebook', options.name ?? 'erp-sample')
  document.set('effective', options.effective)
  document.set('expires', options.expires)
  // Nobody's crawler comes to a sample, but a headless browser does, to see the way of a beacon.
  document.set('bots', 'count')
  const notice = new Date(effective - NOTICE_DAYS * 86_400_000).toISOString().slice(0, 10)
  document.set('notice', document.createNode({ at: notice }, { flow: true }))
  return { ...sources, [RULEBOOK_FILE]: document.toString({ lineWidth: 0 }) }
}
