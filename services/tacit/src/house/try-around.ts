/** The rows of `rules try` that no rule of the fields makes: what a record holds besides, and what no rule names. */
import { rfc3339 } from '@tacit/contracts'
import { isProp, type Rulebook } from '@tacit/rulebook'
import {
  claimsOf,
  type FieldRow,
  notKept,
  PROPS_HOLD,
  rawOf,
  recordedPairs,
  type TriedEvent,
  wentWith,
} from './tried-event.js'
import { shown } from './try-words.js'

/** Columns of a record that stand in it whatever the fields of the rulebook are, and how each is made. */
export function keptRows(rulebook: Rulebook, tried: TriedEvent): readonly FieldRow[] {
  const { at, event, input, outcome } = tried
  const row = (field: string, value: unknown, rule: string, columns: readonly string[]): FieldRow => {
    const before = shown(value)
    const after = recordedPairs(tried, columns)
    const why = outcome.reason === null ? notKept(rulebook, tried) : wentWith(tried)
    return { field, before, rule, after, dropped: after !== null || before === null ? null : why }
  }
  const isNetwork = rulebook.sites[input.beacon.site]?.identity === 'network'
  return [
    ...(isNetwork ? networkRows(tried, row) : signedRows(rulebook, tried, row)),
    ...(rulebook.fields['timestamp'] === undefined
      ? [row('timestamp', rawOf('timestamp', tried), 'its whole hour', ['hour', 'epoch'])]
      : []),
    row('time of receipt', rfc3339(at), 'its whole hour', ['received']),
    row('site', input.beacon.site, 'as the rulebook names it', ['site']),
    row('kind of event', event.name, 'as the catalogue of events says', ['kind']),
    row('event id', event.id, 'keyed hash: nothing counts twice', ['eid']),
    ...(recordedPairs(tried, ['statistic']) === null
      ? []
      : [row('statistics', event.name, 'those of a week or a month that count it', ['statistic'])]),
  ]
}

type Row = (field: string, value: unknown, rule: string, columns: readonly string[]) => FieldRow

/** Where nobody signs, the address and the user agent stand for a person. */
function networkRows(tried: TriedEvent, row: Row): readonly FieldRow[] {
  const { address, userAgent } = tried.input
  const ip = rawOf('client_ip', tried)
  const both = [ip, userAgent].filter((part) => part !== '').join(' + ')
  const person = row('address + user agent', both, 'one keyed value of both, per epoch', ['person'])
  const network = row('network', ip, 'keyed value of the address’s /24 or /48, per epoch', ['network'])
  if (address !== null || tried.outcome.reason !== 'rule_failed') return [person, network]
  return [{ ...person, dropped: 'no address that can be read: the event is dropped' }, network]
}

/** Where the ERP signs, its token says who; the rulebook's own rows for it may be missing. */
function signedRows({ fields }: Rulebook, tried: TriedEvent, row: Row): readonly FieldRow[] {
  const claims = claimsOf(tried.sample, tried.input)
  const keyed = 'keyed value, per epoch'
  return [
    ...(fields['user_id'] === undefined ? [row('user_id', claims['sub'], keyed, ['person'])] : []),
    ...(fields['tenant_id'] === undefined ? [row('tenant_id', claims['tenant'], keyed, ['tenant'])] : []),
    row('standing', claims['standing'], 'as the token says, else trial', ['standing']),
  ]
}

/** What a rulebook need not name, in the order in which it is looked at. */
const SOURCES = ['utc_offset', 'language', 'path', 'from_path', 'role', 'cohort']
/** Where nobody signs, they have rows of their own. */
const SIGNED_SOURCES = ['client_ip', 'user_agent', ...SOURCES]

/** What came in with an event and no rule names. */
export function unnamedRows(rulebook: Rulebook, tried: TriedEvent): readonly FieldRow[] {
  const { event, outcome } = tried
  const row = (field: string, value: unknown, holder: string, words: string): FieldRow => {
    const { detection, reason } = outcome
    const why =
      detection?.field === holder
        ? `${words} ${detection.detector}: the event is dropped`
        : reason === null
          ? 'dropped'
          : wentWith(tried)
    return {
      field: shown(field) ?? '""',
      before: shown(value),
      rule: 'no rule names it',
      after: null,
      dropped: why,
    }
  }
  const isSigned = rulebook.sites[tried.input.beacon.site]?.identity === 'signed'
  const sources = (isSigned ? SIGNED_SOURCES : SOURCES)
    .filter((field) => rulebook.fields[field] === undefined)
    .map((field) => row(field, rawOf(field, tried), field, 'holds'))
    .filter(({ before }) => before !== null)
  const props = Object.entries(event.props ?? {})
    .filter(([name]) => !isProp(name) || rulebook.fields[name] === undefined)
    .map(([name, value]) => row(isProp(name) ? name : `prop ${name}`, value, 'props', PROPS_HOLD))
  return [...sources, ...props]
}
