/** What a first rulebook learns of events beside their paths: names and their kinds, roles, versions, what is measured. */
import {
  createCensus,
  createRouteLearner,
  createValueLearner,
  type LearntRoutes,
  type Thresholds,
} from '@tacit/anonymizer'
import type { BeaconEvent } from '@tacit/contracts'
import type { EventKind } from '@tacit/rulebook'

/** What enough people sent. */
export interface EventsLearnt {
  /** by name; the kinds are guesses */
  readonly kinds: ReadonlyMap<string, EventKind>
  readonly roles: readonly string[]
  readonly versions: readonly string[]
  /** of {@link MEASURES} */
  readonly measures: ReadonlySet<string>
}

/** Feeds every learner from one reading of a log. */
export interface Learner {
  readonly people: number
  sawPage(path: string, person: string, group: string): void
  sawEvent(event: BeaconEvent, role: string | undefined, person: string, group: string): void
  routes(): LearntRoutes
  events(): EventsLearnt
}

/** Fields whose rules a first rulebook knows; other props are never looked at. */
const MEASURES = [
  'from_path',
  'load_ms',
  'time_spent_s',
  'visit_start',
  'app_version',
  'device_model',
] as const

/** As the catalogue of events takes a name. */
const EVENT_NAME = /^[a-z][a-z0-9_.-]{0,63}$/
/** A word or two: what a role is, and no free text. */
const ROLE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._&/-]{0,39}$/u
const VERSION = /^v?\d{1,4}(\.\d{1,6}){0,3}(-[a-z]{1,10}(\.\d{1,4})?)?$/

/** Counts in memory, up to the thresholds. */
export function createLearner(thresholds: Thresholds): Learner {
  const census = createCensus()
  const paths = createRouteLearner(thresholds)
  const learner = (fits: (value: string) => boolean) => createValueLearner({ ...thresholds, fits })
  const names = learner((name) => EVENT_NAME.test(name))
  const roles = learner((role) => ROLE.test(role))
  const versions = learner((version) => VERSION.test(version))
  const measured = learner(() => true)

  return {
    get people() {
      return census.people
    },
    sawPage(path, person, group) {
      const member = census.member(person, group)
      if (member !== null) paths.saw(path, member)
    },
    sawEvent(event, role, person, group) {
      const member = census.member(person, group)
      if (member === null) return
      if (event.path !== undefined) paths.saw(event.path, member)
      names.saw(event.name, member)
      if (role !== undefined) roles.saw(role, member)
      const version = event.props?.['app_version']
      if (typeof version === 'string') versions.saw(version, member)
      for (const measure of measuresOf(event)) {
        measured.saw(measure, member)
        if (EVENT_NAME.test(event.name)) measured.saw(`${event.name} ${measure}`, member)
      }
    },
    routes: () => paths.learnt(),
    events() {
      const seen = new Set(measured.learnt())
      return {
        kinds: new Map(names.learnt().map((name) => [name, kindOf(name, seen)])),
        roles: roles.learnt(),
        versions: versions.learnt(),
        measures: new Set(MEASURES.filter((measure) => seen.has(measure))),
      }
    },
  }
}

function measuresOf({ from_path, props }: BeaconEvent): readonly string[] {
  const found: string[] = from_path === undefined ? [] : ['from_path']
  if (props === undefined) return found
  for (const measure of MEASURES) if (Object.hasOwn(props, measure)) found.push(measure)
  return found
}

/** A guess, by the event's name and by what enough people sent with it. */
function kindOf(name: string, measured: ReadonlySet<string>): EventKind {
  const sent = (measure: string): boolean => measured.has(`${name} ${measure}`)
  if (/^page[._-]?view$/.test(name)) return 'page_view'
  if (/(^|[._-])(error|exception|crash)/.test(name)) return 'error'
  if (sent('app_version') || sent('device_model')) return 'device'
  if (sent('load_ms') && !sent('from_path')) return 'timing'
  return sent('from_path') || sent('visit_start') || sent('time_spent_s') ? 'page_view' : 'feature'
}
