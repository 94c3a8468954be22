/** The pages of the sample as a Markov chain: where a role goes next on a given day. */
import type { SampleDay } from './calendar.js'
import {
  AFFINITY,
  SAMPLE_ROLES,
  SAMPLE_ROUTES,
  type SampleEvent,
  type SampleRole,
  type SampleRoute,
} from './catalogue.js'
import { type PathMaker, pathMaker } from './paths.js'
import { Weighted } from './random.js'

export interface Page {
  readonly route: SampleRoute
  readonly makePath: PathMaker
  readonly does: readonly (readonly [SampleEvent, number])[]
}

export interface Walk {
  readonly first: Weighted<Page>
  /** where people go from a page */
  readonly next: ReadonlyMap<Page, Weighted<Page>>
}

/** The menu is open on every page, but what is linked there is nearer. */
const MENU_SHARE = 0.16

const PAGES: readonly Page[] = SAMPLE_ROUTES.map((route) => ({
  route,
  makePath: pathMaker(route.template),
  does: Object.entries(route.does) as [SampleEvent, number][],
}))

function entries(role: SampleRole, day: SampleDay, weigh: (page: Page) => number): [Page, number][] {
  return PAGES.map((page): [Page, number] => {
    const { module } = page.route
    return [page, weigh(page) * AFFINITY[role][module] * (day.season[module] ?? 1)]
  }).filter(([, weight]) => weight > 0)
}

/** Visits start at the door, at the dashboard, or at a bookmark. */
const doorWeight = ({ route }: Page) =>
  ({ '/': 3, '/login': 4, '/dashboard': 9 })[route.template] ?? 0.15 * route.menu

/** A walk for each role on one day. */
export function walksOf(day: SampleDay): Readonly<Record<SampleRole, Walk>> {
  const walkOf = (role: SampleRole): Walk => ({
    first: new Weighted(entries(role, day, doorWeight)),
    next: new Map(
      PAGES.map((from) => [
        from,
        new Weighted(
          entries(role, day, (to) => (from.route.next[to.route.template] ?? 0) + MENU_SHARE * to.route.menu),
        ),
      ]),
    ),
  })
  return Object.fromEntries(SAMPLE_ROLES.map((role) => [role, walkOf(role)])) as Record<SampleRole, Walk>
}
