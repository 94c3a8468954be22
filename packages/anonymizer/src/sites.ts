/** What a rulebook says of each of its sites and of their events, compiled: one look-up an event. */
import { type Stream, STREAMS } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import { type EventKind, isRecorded, type Rulebook, type Site } from '@tacit/rulebook'
import { compileDecision, type Decision } from './decide.js'
import { compileWindowEnd, type WindowEnd } from './lateness.js'

/** Events of one name at one site. */
export interface CompiledEvent {
  readonly kind: EventKind
  /** whether a statistic reads them from the day's stream: only then they leave a record in it */
  readonly isRecorded: boolean
  readonly windowEnd: WindowEnd
  /** places, in the streams that are made, of those in which their person must be known */
  readonly streams: readonly number[]
}

export interface CompiledSite {
  readonly site: Site
  /** whose key names people here where nobody signs */
  readonly scope: KeyScope
  readonly decide: Decision
  /** by name */
  readonly events: ReadonlyMap<string, CompiledEvent>
  /** JSON of the site's column */
  readonly quoted: string
}

/** @param streams those whose records are made */
function compileEvent(
  rulebook: Rulebook,
  site: string,
  kind: EventKind,
  streams: readonly Stream[],
): CompiledEvent {
  const reading = STREAMS.filter((stream) => isRecorded(rulebook, site, kind, stream))
  // Of what nobody counts a person must be known all the same: whether there is a key shows in nothing.
  const wanted = reading.length === 0 ? streams : reading
  return {
    kind,
    isRecorded: reading.includes('day'),
    windowEnd: compileWindowEnd(rulebook, site, kind),
    streams: wanted.map((stream) => streams.indexOf(stream)).filter((at) => at >= 0),
  }
}

/** Compiles the sites of a rulebook. @param streams those whose records are made */
export function compileSites(
  rulebook: Rulebook,
  streams: readonly Stream[],
): ReadonlyMap<string, CompiledSite> {
  return new Map(
    Object.values(rulebook.sites).map((site) => [
      site.id,
      {
        site,
        scope: { of: 'site', site: site.id },
        quoted: JSON.stringify(site.id),
        decide: compileDecision(rulebook, site),
        events: new Map(
          Object.entries(rulebook.events).map(([name, { kind }]) => [
            name,
            compileEvent(rulebook, site.id, kind, streams),
          ]),
        ),
      },
    ]),
  )
}
