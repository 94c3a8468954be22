/** From a draft without errors to the rulebook that the rest of the house reads. */
import { SPOOL_BYTES } from './bounds.js'
import { type Catalogue, catalogueUse, RULEBOOK_FILE } from './catalogues.js'
import type { Draft, WholeSections } from './draft.js'
import type { FieldDraft } from './field-schema.js'
import { rulebookHash } from './hash.js'
import type { StatisticDraft } from './schema.js'
import type {
  FieldRule,
  FunnelStep,
  Noise,
  Release,
  Rulebook,
  Site,
  Statistic,
  StatisticShape,
} from './types.js'

/**
 * Thresholds that a rulebook need not state because no site of its kind is declared. Nothing passes them: a fault
 * that applies one to the wrong site publishes nothing.
 */
const UNSTATED = { minimum: Number.MAX_SAFE_INTEGER, share: 0 }

/** A record without a prototype: names in beacons come from strangers, and `constructor` must not be found. */
function bare<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const record: Record<string, T> = Object.create(null)
  for (const [key, value] of entries) record[key] = value
  return record
}

function fieldRule(field: string, draft: FieldDraft, catalogues: ReadonlyMap<string, Catalogue>): FieldRule {
  const use = catalogueUse(field, draft)
  const catalogue = use === null ? undefined : catalogues.get(`${use.format} ${use.name}`)
  switch (draft.do) {
    case 'coarsen':
      return { do: 'coarsen', toMs: draft.to }
    case 'template': {
      if (draft.generic === undefined) {
        return { do: 'template', routes: catalogue?.routes ?? [], otherwise: draft.otherwise ?? '/other' }
      }
      const words = draft.generic.words === 'any' ? 'any' : (catalogue?.words ?? [])
      return { do: 'template', generic: { words } }
    }
    case 'allow': {
      const listed = catalogue?.events === undefined ? catalogue?.values : Object.keys(catalogue.events)
      const values = draft.values ?? listed
      return {
        do: 'allow',
        ...(values === undefined ? {} : { values }),
        ...(draft.pattern === undefined ? {} : { pattern: draft.pattern }),
        ...(draft.otherwise === undefined ? {} : { otherwise: draft.otherwise }),
      }
    }
    case 'truncate': {
      const { ipv4, ipv6 } = draft
      return { do: 'truncate', ipv4, ipv6, keeps: draft.then ?? 'network' }
    }
    case 'generalise': {
      const { max_bits: maxBits, to } = draft
      return { do: 'generalise', to, ...(maxBits === undefined ? {} : { maxBits }) }
    }
    case 'pseudonym':
    case 'bucket':
    case 'drop':
      return draft
    default: {
      const never: never = draft
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}

function sites(draft: Draft): Record<string, Site> {
  const list = [...draft.sites.good].map(([id, site]) => {
    const { origins, identity, lawful_basis: lawfulBasis, region } = site
    return [id, { id, origins, identity, lawfulBasis, region }] as const
  })
  return bare(list)
}

function funnelStep(text: string): FunnelStep {
  const colon = text.indexOf(':')
  return { of: text.slice(0, colon) === 'page' ? 'page' : 'event', value: text.slice(colon + 1) }
}

/** What a statistic is, by the key that makes it so; the linter refuses two of them. */
function shapeOf(statistic: StatisticDraft): StatisticShape {
  if (statistic.histogram !== undefined) return { type: 'histogram', field: statistic.histogram }
  if (statistic.funnel !== undefined) return { type: 'funnel', steps: statistic.funnel.map(funnelStep) }
  if (statistic.retention !== undefined) return { type: 'retention', cohort: statistic.retention.cohort }
  return { type: statistic.window.includes('5m') ? 'live' : 'counts' }
}

function statistics(draft: Draft): readonly Statistic[] {
  return [...draft.statistics.good].map(([id, statistic]) => ({
    id,
    shape: shapeOf(statistic),
    title: statistic.title,
    site: statistic.site,
    windows: statistic.window,
    where: statistic.where?.kind === undefined ? {} : { kind: statistic.where.kind },
    by: statistic.by ?? [],
    drill: statistic.drill ?? [],
    measures: statistic.measures ?? ['users'],
    people: statistic.people ?? 'floored',
    ...(statistic.per === undefined ? {} : { per: statistic.per }),
  }))
}

/** What the linter lets stand as noise; its numbers are there. */
function noise(stated: NonNullable<WholeSections['release']>['noise']): Noise | null {
  if (stated === undefined || stated === 'off') return null
  const { cap_per_year: capPerYear, delta, epsilon, mechanism, rho, unit } = stated
  return mechanism === 'laplace'
    ? { unit, mechanism, epsilon: epsilon ?? Number.NaN, capPerYear }
    : { unit, mechanism, rho: rho ?? Number.NaN, delta: delta ?? Number.NaN, capPerYear }
}

function release(stated: NonNullable<WholeSections['release']>): Release {
  return {
    minUsers: stated.min_users,
    minTenants: stated.min_tenants ?? UNSTATED.minimum,
    minNetworks: stated.min_networks ?? UNSTATED.minimum,
    maxShare: stated.max_share ?? UNSTATED.share,
    maxPersonShare: stated.max_person_share,
    maxEventsPerPerson: stated.max_events_per_person,
    step: stated.step ?? stated.min_users,
    noise: noise(stated.noise),
  }
}

/** The rulebook, or null where a part of the draft is missing. @param text the rulebook's own text */
export function buildRulebook(
  draft: Draft,
  text: string,
  catalogues: ReadonlyMap<string, Catalogue>,
): Rulebook | null {
  const { whole } = draft
  const { policy, purpose, epochs, keep, effective, expires, bots, assets, region } = whole
  if (whole.rulebook === undefined || whole.version === undefined || whole.release === undefined) return null
  if (policy === undefined || purpose === undefined || epochs === undefined || keep === undefined) return null
  if (effective === undefined || expires === undefined) return null
  if (bots === undefined || assets === undefined || region === undefined) return null

  const files = [...catalogues.values()].map((catalogue) => [catalogue.source.file, catalogue.text] as const)
  const events = [...catalogues.values()].flatMap((catalogue) => Object.entries(catalogue.events ?? {}))
  const sources = bare([[RULEBOOK_FILE, text] as const, ...files])
  return {
    name: whole.rulebook,
    version: whole.version,
    hash: rulebookHash(sources),
    policy,
    effective,
    expires,
    noticeAt: whole.notice?.at ?? null,
    purpose: {
      id: purpose.id,
      consent: purpose.consent,
      maxConsentAgeMonths: purpose.max_consent_age,
      refuseWhen: new Set(purpose.refuse_when),
    },
    sites: sites(draft),
    epochs: {
      streams: epochs.streams,
      latenessMs: epochs.lateness,
      destroyKeyAfterMs: epochs.destroy_key_after,
    },
    fields: bare(
      [...draft.fields.good].map(([name, rule]) => [name, fieldRule(name, rule, catalogues)] as const),
    ),
    events: bare(events),
    statistics: statistics(draft),
    release: release(whole.release),
    keep: {
      logMs: keep.log,
      stagingAfterEpochMs: keep.staging,
      releasedMonths: keep.released,
      auditDays: keep.audit,
      spoolBytes: keep.spool ?? SPOOL_BYTES.unstated,
    },
    scan: whole.scan === undefined ? null : { detectors: whole.scan.detectors, onHit: whole.scan.on_hit },
    bots,
    assets,
    region,
    examples: whole.examples ?? [],
    sources,
  }
}
