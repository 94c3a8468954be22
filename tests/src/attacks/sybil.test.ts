/**
 * Attack (e): who can send beacons and read dashboards learns nothing on a target. What an attacker can have is people
 * without standing: probes of the house (internal), tenants on trial, and many user agents behind one address. Whatever
 * they do beside a target, and beside everybody else, no published number changes: so they see what every reader sees.
 * Through the real cleaning and counting in ClickHouse, and the real cut; with people of standing it would work.
 */
import { declaredValues } from '@tacit/rulebook'
import t from 'tap'
import { range } from '../support/worlds/shape.js'
import { type Released, type StagedEvent, StagedDays } from '../support/worlds/staged-day.js'
import { type Random, randomOf } from '../support/worlds/world.js'

t.setTimeout(0)

const RARE_PAGE = '/reports/:name'
const pad = (name: string) => name.padEnd(22, '_').slice(0, 22)

function pickOf<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(items.length * random() ** 2)]
  if (item === undefined) throw new RangeError('Nothing to pick from.')
  return item
}

interface Values {
  readonly pages: readonly string[]
  readonly features: readonly string[]
  readonly roles: readonly string[]
}

/** What somebody does in a day: some pages and features. */
function day(
  random: Random,
  { features, pages, roles }: Values,
  who: Pick<StagedEvent, 'network' | 'person' | 'standing' | 'tenant'>,
): StagedEvent[] {
  const own = { device: pickOf(random, ['desktop', 'mobile', 'tablet']), os: 'windows', browser: 'chrome' }
  const role = pickOf(random, roles)
  return range(4).flatMap((): StagedEvent[] => [
    {
      ...who,
      kind: 'page_view',
      values: { ...own, path: pickOf(random, pages), from_path: pickOf(random, pages) },
    },
    ...(who.tenant === ''
      ? []
      : [
          {
            ...who,
            kind: 'feature' as const,
            values: { ...own, role, event_name: pickOf(random, features) },
          },
        ]),
  ])
}

/** An attacker's people: everything that anybody does, and the target's page again and again. */
function attackers(
  random: Random,
  values: Values,
  people: readonly Pick<StagedEvent, 'network' | 'person' | 'standing' | 'tenant'>[],
  page: string,
): StagedEvent[] {
  return people.flatMap((who) => [
    ...day(random, values, who),
    ...range(3).map(
      (): StagedEvent => ({
        ...who,
        kind: 'page_view',
        values: { device: 'desktop', os: 'windows', browser: 'chrome', path: page, from_path: page },
      }),
    ),
  ])
}

const named = (kind: string, tenants: number, perTenant: number, standing: StagedEvent['standing']) =>
  range(tenants).flatMap((tenant) =>
    range(perTenant).map((person) => ({
      tenant: pad(`${kind}-${tenant}`),
      person: pad(`${kind}-${tenant}-${person}`),
      standing,
      network: '',
    })),
  )

t.test('an ERP', async (t) => {
  const house = await StagedDays.open(t, 'erp')
  const values: Values = {
    pages: (declaredValues(house.rulebook, 'path', 'page_view') ?? [])
      .filter((page) => page !== RARE_PAGE)
      .slice(0, 12),
    features: (declaredValues(house.rulebook, 'event_name', 'feature') ?? []).slice(0, 8),
    roles: (declaredValues(house.rulebook, 'role') ?? []).slice(0, 4),
  }
  const everybody = () => {
    const random = randomOf(1)
    return named('customer', 25, 16, 'established').flatMap((who) => day(random, values, who))
  }
  const target: StagedEvent[] = range(3).map(() => ({
    kind: 'page_view',
    standing: 'established',
    tenant: pad('customer-3'),
    person: pad('customer-3-target'),
    network: '',
    values: {
      device: 'tablet',
      os: 'ios',
      browser: 'safari',
      path: RARE_PAGE,
      from_path: values.pages[0] ?? '',
    },
  }))
  const release = (...events: readonly StagedEvent[][]): Promise<Released> =>
    house.release('erp', events.flat())
  const without = await release(everybody())
  const withTarget = await release(everybody(), target)
  const attack = (people: ReturnType<typeof named>) => attackers(randomOf(2), values, people, RARE_PAGE)

  t.test('publishes numbers that could change', async (t) => {
    t.ok((without['pages day']?.length ?? 0) > 10)
    t.ok((without['features day']?.length ?? 0) > 10)
    t.notOk(JSON.stringify(withTarget).includes(RARE_PAGE), 'a page of one person is nowhere')
  })

  for (const [what, people] of [
    ['20 honey users of 3 honey tenants', named('honey', 3, 7, 'internal').slice(0, 20)],
    ['three trial tenants of three users', named('trial', 3, 3, 'trial')],
    ['a hundred trial tenants of five users', named('trial', 100, 5, 'trial')],
  ] as const) {
    t.test(`${what} change no published number, whether the target is there or not`, async (t) => {
      t.same(await release(everybody(), attack(people)), without)
      t.same(await release(everybody(), target, attack(people)), withTarget)
    })
  }

  t.test('one established tenant beside the target brings its page into no number', async (t) => {
    const accomplices = named('accomplice', 1, 60, 'established')
    const released = await release(everybody(), target, attack(accomplices))
    t.notOk(JSON.stringify(released).includes(RARE_PAGE))
  })

  t.test('people of standing in enough tenants would change numbers', async (t) => {
    const crowd = named('crowd', 20, 5, 'established')
    const released = await release(everybody(), target, attack(crowd))
    t.notSame(released, withTarget)
    t.ok(JSON.stringify(released).includes(RARE_PAGE))
  })
})

t.test('a website', async (t) => {
  const house = await StagedDays.open(t, 'website')
  const values: Values = { pages: ['/', '/prices', '/docs', '/contact'], features: [], roles: ['none'] }
  const visitor = (name: string, network: string) => ({
    tenant: '',
    person: pad(name),
    standing: '' as const,
    network: pad(network),
  })
  const everybody = () => {
    const random = randomOf(3)
    return range(300).flatMap((index) =>
      day(random, values, visitor(`visitor-${index}`, `network-${index % 90}`)),
    )
  }
  const page = (who: ReturnType<typeof visitor>): StagedEvent[] =>
    range(3).map(() => ({
      ...who,
      kind: 'page_view',
      values: { device: 'desktop', os: 'linux', browser: 'firefox', path: RARE_PAGE },
    }))
  const nine = range(9).flatMap((index) => page(visitor(`agent-${index}`, 'the attacker')))
  const target = page(visitor('target', 'the target'))
  const release = (...events: readonly StagedEvent[][]): Promise<Released> =>
    house.release('website', events.flat())
  const without = await release(everybody())

  t.test(
    'one address with nine user agents changes no published number, whether the target is there or not',
    async (t) => {
      t.ok((without['pages day']?.length ?? 0) >= 4)
      t.same(await release(everybody(), target), without, 'a target alone is nowhere')
      t.same(await release(everybody(), nine), without)
      t.same(await release(everybody(), target, nine), without, 'ten devices, two networks')
    },
  )

  t.test('ten devices of ten networks would change numbers', async (t) => {
    const many = range(9).flatMap((index) => page(visitor(`agent-${index}`, `address-${index}`)))
    t.notSame(await release(everybody(), target, many), without)
  })
})
