/** Which realm, and which statistic of it, a request means. */
import { TacitError } from '@tacit/contracts'
import type { Statistic } from '@tacit/rulebook'
import { readChoice } from './query.js'
import type { Realm, RealmName } from './realm.js'

const REALM_NAMES: readonly RealmName[] = ['main', 'sample']

/** One declared statistic where it lives. */
export interface Located {
  readonly realm: Realm
  readonly statistic: Statistic
}

/**
 * Finds the statistic. Ids of the sample realm may be ids of real ones: `site` or `realm` tell them apart; without
 * them the real one is meant, or the sample's where the real one has nothing released yet.
 * @throws TacitError ERR_STATISTIC_UNKNOWN, ERR_QUERY_MALFORMED
 */
export async function locate(
  realms: readonly Realm[],
  id: string,
  query: { readonly site?: string; readonly realm?: string },
): Promise<Located> {
  const name = readChoice('realm', query.realm, REALM_NAMES)
  const found = realms
    .filter((realm) => name === undefined || realm.name === name)
    .flatMap((realm) => realm.rulebook.statistics.map((statistic) => ({ realm, statistic })))
    .filter(({ statistic }) => statistic.id === id && (query.site ?? statistic.site) === statistic.site)
  const chosen = await firstOr(found, async ({ realm }) =>
    (await realm.latest()).some(({ statistic }) => statistic === id),
  )
  if (chosen === undefined) throw unknownStatistic(realms)
  return chosen
}

/** Says which there are: whoever may ask may read the catalogue. */
function unknownStatistic(realms: readonly Realm[]): TacitError {
  const statistics = realms.flatMap(({ rulebook }) => rulebook.statistics)
  const [ids, sites] = [statistics.map(({ id }) => id), statistics.map(({ site }) => site)].map((all) =>
    [...new Set(all)].sort().join(', '),
  )
  return new TacitError(
    'ERR_STATISTIC_UNKNOWN',
    `There is no such statistic; there are ${ids ?? ''}, of the sites ${sites ?? ''}`,
  )
}

/**
 * The realm of that name, or that has that site: ledger, keys and audit log are of all sites of a realm together.
 * @throws TacitError ERR_QUERY_MALFORMED
 */
export async function chooseRealm(
  realms: readonly Realm[],
  { realm, site }: { readonly realm?: string; readonly site?: string },
  holdsData: (realm: Realm) => Promise<boolean>,
): Promise<Realm> {
  const wanted = readChoice('realm', realm, REALM_NAMES)
  const found = realms
    .filter(({ name }) => wanted === undefined || name === wanted)
    .filter(({ rulebook }) => site === undefined || Object.hasOwn(rulebook.sites, site))
  const chosen = await firstOr(found, holdsData)
  if (chosen === undefined) {
    const sites = [...new Set(realms.flatMap(({ rulebook }) => Object.keys(rulebook.sites)))].sort()
    throw new TacitError(
      'ERR_QUERY_MALFORMED',
      `This installation has no such realm or site; its sites are: ${sites.join(', ')}`,
    )
  }
  return chosen
}

/** The first item that `test` likes, else the first of all; a single item is not tested. */
async function firstOr<Item>(
  items: readonly Item[],
  test: (item: Item) => Promise<boolean>,
): Promise<Item | undefined> {
  if (items.length < 2) return items[0]
  for (const item of items) if (await test(item)) return item
  return items[0]
}
