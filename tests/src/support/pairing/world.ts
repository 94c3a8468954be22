/**
 * People whose beacons leave rows in all three streams, in the real house under a clock that the test drives; and who is
 * behind each pseudonym, found by the keeper's own keys, not by what the attacker sees.
 */
import { parseAddress } from '@tacit/anonymizer'
import type { openHouse } from '@tacit/cli'
import { DAY, type DrivenClock, epochOf, HOUR, type Stream } from '@tacit/contracts'
import { createPseudonymizer } from '@tacit/keyring'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { PAGES_IN_ALL_STREAMS } from '../all-streams.js'
import { grantedClaims } from '../tokens.js'
import type { Draw } from './random.js'

type House = Awaited<ReturnType<typeof openHouse>>
type Realm = Awaited<ReturnType<House['openRealm']>>

/** Who came back is left out: the attacks count by one row of a beacon in each stream. */
const RETENTION = `    title: Weekly retention
    window: week
    retention: { cohort: cohort }
`
const rulebook = shippedRulebook('erp', ...PAGES_IN_ALL_STREAMS, [
  RETENTION,
  '    title: Anything\n    window: day\n    by: [role]\n    measures: [users]\n',
])
const PATHS = ['/dashboard', '/customers', '/invoices']
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
/** All are of one company: nowhere else are there more to be hidden among. */
const TENANT = 'company-1'
const ADDRESS = parseAddress('203.0.113.77')

interface Person {
  readonly sub: string
  /** hours, counted from the beginning, in which the person works */
  readonly hours: ReadonlySet<number>
}

/** Name of a person → pseudonym, of one stream. */
export type Names = ReadonlyMap<string, string>

export class World {
  readonly realm: Realm
  readonly database: string
  /** ms: the first hour */
  readonly start: number
  readonly #clock: DrivenClock
  readonly #draw: Draw
  readonly #people: readonly Person[]
  #sent = 0

  private constructor(
    realm: Realm,
    clock: DrivenClock,
    database: string,
    draw: Draw,
    people: readonly Person[],
  ) {
    this.realm = realm
    this.database = database
    this.start = clock.now()
    this.#clock = clock
    this.#draw = draw
    this.#people = people
  }

  /** @param size people, each of whom works in some of the `hours` that follow */
  static async open(
    house: House,
    name: 'main' | 'sample',
    clock: DrivenClock,
    draw: Draw,
    { hours, size }: { readonly size: number; readonly hours: number },
  ): Promise<World> {
    const layout = house.layout.realm(name)
    const realm = await house.openRealm({ layout, rulebook, clock, ratePerToken: Number.MAX_SAFE_INTEGER })
    const people = Array.from({ length: size }, (_none, at): Person => {
      const shift = 1 + draw.below(2 ** hours - 1)
      return {
        sub: `person-${String(at)}`,
        hours: new Set(
          Array.from({ length: hours }, (_no, hour) => hour).filter((hour) => (shift >> hour) & 1),
        ),
      }
    })
    return new World(realm, clock, layout.database, draw, people)
  }

  /** Beacons of an hour, each in a batch of its own; in the end the next hour has begun. @param apart ms between two */
  async work(hour: number, beacons: number, apart: number): Promise<void> {
    const { commit, intake } = this.realm
    const start = this.start + hour * HOUR
    const working = this.#people.filter(({ hours }) => hours.has(hour))
    for (let at = 0; at < beacons; at++) {
      this.#clock.advanceTo(start + at * apart)
      const { sub } = working[this.#draw.below(working.length)] as Person
      const path = PATHS[this.#draw.below(PATHS.length)] ?? ''
      await intake.take(
        {
          v: 1,
          site: 'erp',
          events: [{ id: `event-${String(this.#sent++)}`, name: 'page_view', age: 0, path }],
        },
        {
          source: 'beacon',
          address: ADDRESS,
          userAgent: AGENT,
          origin: 'https://erp.example.in',
          gpc: false,
          dnt: false,
          claims: grantedClaims(this.#clock.now(), { tenant: TENANT, sub }),
        },
      )
      await commit.drain()
    }
    this.#clock.advanceTo(start + HOUR)
    await commit.watermark(this.#clock.now())
  }

  /** A round of the live loop. */
  async advance(): Promise<void> {
    await this.realm.destroyDue()
    await this.realm.aggregator.advance(this.#clock.now())
  }

  /** The clock goes on to the end of the UTC day, and a round follows. */
  async endDay(): Promise<void> {
    this.#clock.advanceTo(this.start - (this.start % DAY) + DAY)
    await this.realm.commit.watermark(this.#clock.now())
    await this.advance()
  }

  /** Who is who in a stream. */
  async names(stream: Stream): Promise<Names> {
    const epoch = epochOf(stream, this.start).label
    const names = new Map<string, string>()
    const scope = { of: 'tenant', tenant: TENANT } as const
    const answer = await this.realm.keeper.port.pseudonymKey({
      purpose: rulebook.purpose.id,
      stream,
      epoch,
      scope,
    })
    if (answer.state !== 'open') throw new Error(`${epoch} is ${answer.state}`)
    const pseudonyms = createPseudonymizer(answer.key)
    for (const { sub } of this.#people) names.set(sub, pseudonyms.pseudonym('uid', sub))
    pseudonyms.destroy()
    return names
  }
}
