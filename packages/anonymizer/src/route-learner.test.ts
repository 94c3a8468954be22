import fc from 'fast-check'
import t from 'tap'
import { createCensus } from './census.js'
import { compileRoutes, pathSegments } from './path-template.js'
import { createRouteLearner, type LearntRoutes } from './route-learner.js'

interface Use {
  readonly path: string
  readonly person: string
  readonly group: string
}

interface Learning {
  readonly minUsers?: number
  readonly minGroups?: number
  readonly places?: number
  readonly members?: number
  readonly routes?: number
}

function learn(
  uses: readonly Use[],
  { minUsers = 5, minGroups = 2, ...bounds }: Learning = {},
): LearntRoutes {
  const census = createCensus()
  const learner = createRouteLearner({ minUsers, minGroups, ...bounds })
  for (const { group, path, person } of uses) {
    const member = census.member(person, group)
    if (member !== null) learner.saw(path, member)
  }
  return learner.learnt()
}

/** `people` people, each of one of `groups` groups, at a path of their own or the same one. */
function visits(path: string | ((person: number) => string), people: number, groups = 3, first = 0): Use[] {
  return Array.from({ length: people }, (_, at) => {
    const person = first + at
    return {
      path: typeof path === 'string' ? path : path(person),
      person: `p${person}`,
      group: `g${person % groups}`,
    }
  })
}

t.test('a path that enough people used is a route, one of one person fewer is none', async (t) => {
  const { leftOut, routes } = learn([...visits('/reports', 5), ...visits('/acme-traders', 4)])
  t.same(routes, ['/reports'])
  t.equal(leftOut, 1)
})

t.test('people of too few groups are not enough', async (t) => {
  t.same(learn(visits('/reports', 9, 1)).routes, [])
  t.same(learn(visits('/reports', 9, 2)).routes, ['/reports'])
})

t.test('one person is one, however often they come and however they write the path', async (t) => {
  const often = Array.from(
    { length: 50 },
    (_, i) => ({ ...visits('/a', 1)[0], path: `/a?visit=${i}` }) as Use,
  )
  t.same(learn([...often, ...visits('/%61/', 3, 3, 1)]).routes, [])
  t.same(learn([...often, ...visits('/%61/', 4, 3, 1)]).routes, ['/a'])
})

t.test('siblings that few people used are merged, and what follows is looked at together', async (t) => {
  const uses = [
    ...visits((person) => `/customers/company-${'abcdefgh'[person] ?? ''}`, 8),
    ...visits((person) => `/customers/company-${'abcdefgh'[person] ?? ''}/invoice/INV-${person}`, 8),
    ...visits('/customers/new', 5),
    ...visits('/customers', 8),
  ]
  t.same(learn(uses).routes, [
    '/customers',
    '/customers/:id',
    '/customers/:id/invoice/:id2',
    '/customers/new',
  ])
})

t.test('what looks like an id is a parameter, whoever used it', async (t) => {
  const ids = [
    '48211',
    'deadbeef01',
    '8c1f0a52-b3d9-4e77-8c1f-0a52b3d94e77',
    'abcdefghijKLMNOPQRST1',
    'p@example.in',
    'Colon:Page',
    'caf%C3%A9',
    '%E0%A4%AE%E0%A4%BE%E0%A4%B2',
    'a%20b',
    ':id',
    'x'.repeat(65),
  ]
  for (const id of ids) t.same(learn(visits(`/x/${id}`, 9)).routes, ['/x/:id'], id)
})

t.test('what a detector finds is a parameter, whoever used it; what is next to it is not', async (t) => {
  for (const found of ['ABCPK1234F', '27AAPFU0939F1ZV', '98765-43210', 'x%40y.in', 'SBIN0001234']) {
    t.same(learn(visits(`/x/${found}/edit`, 9)).routes, ['/x/:id/edit'], found)
  }
  t.same(learn(visits('/x/ABCDE/edit', 9)).routes, ['/x/ABCDE/edit'], 'a word of capitals passes')
})

t.test('an identifier that is split over two segments makes no route', async (t) => {
  for (const path of ['/ABCPK/1234F', '/27AAPFU/0939F1ZV', '/SBIN/0A01234', '/9876-5/432-10']) {
    t.match(learn(visits(path, 9)), { routes: [], leftOut: 1 }, path)
  }
})

t.test('paths that no catalogue can match are counted and not learnt', async (t) => {
  const paths = ['x', 'http://other.example/a', '/a//b', '/a/..', '/a/%2e', '/%', '/a/'.repeat(20), '']
  const { leftOut, routes, unmatchable } = learn(paths.flatMap((path) => visits(path, 9)))
  t.same(routes, [])
  t.equal(unmatchable, 9 * paths.length)
  t.equal(leftOut, 0)
})

t.test('the first page is a route like any other', async (t) => {
  t.same(learn(visits('/?utm=1', 5)).routes, ['/'])
})

t.test('beyond its bounds nothing more is followed, and it says so', async (t) => {
  const uses = [...visits('/a', 6), ...visits('/b', 6)]
  t.match(learn(uses, { places: 1 }), { routes: ['/a'], unfollowed: 6 })
  const few = learn(uses, { members: 21 })
  t.same(few.routes, ['/a'], 'members of /a, of the root, and no more')
  t.ok(few.unfollowed > 0)
  t.match(learn([...uses, ...visits('/b', 6)], { routes: 1 }), { routes: ['/b'], leftOut: 1 })
})

t.test('a census that is full names nobody new', async (t) => {
  const census = createCensus(3)
  t.ok(census.member('a', 'g'))
  t.ok(census.member('b', 'g'))
  t.equal(census.member('c', 'g'), null)
  t.ok(census.member('a', 'g'))
  t.equal(census.people, 2)
})

const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'new', 'acme') },
  { weight: 2, arbitrary: fc.constantFrom('1', '22', '48211', 'x@y.in', '..', '', 'é', '%61', ':id', ';m') },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
)
const use = fc.record({
  path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
  person: fc.nat({ max: 11 }).map((person) => `p${person}`),
})
const traffic = fc
  .array(use, { minLength: 20, maxLength: 120, size: 'max' })
  .map((uses) => uses.map((one): Use => ({ ...one, group: `g${Number(one.person.slice(1)) % 4}` })))

/** Whether the first segments of a path could lead to a place of the catalogue. */
function leadsTo(place: readonly string[], path: string): boolean {
  const segments = pathSegments(path)
  return (
    segments !== null &&
    segments.length >= place.length &&
    place.every((part, at) => part.startsWith(':') || part === segments[at])
  )
}

const peopleOf = (uses: readonly Use[]) => new Set(uses.map(({ person }) => person)).size
const groupsOf = (uses: readonly Use[]) => new Set(uses.map(({ group }) => group)).size

t.test('each literal of a route was used at its place by enough people', async (t) => {
  let literals = 0
  fc.assert(
    fc.property(traffic, fc.integer({ min: 2, max: 5 }), (uses, minUsers) => {
      for (const route of learn(uses, { minUsers }).routes) {
        const segments = route === '/' ? [] : route.slice(1).split('/')
        for (const [at, part] of segments.entries()) {
          if (part.startsWith(':')) continue
          literals += 1
          const there = uses.filter(({ path }) => leadsTo(segments.slice(0, at + 1), path))
          t.ok(peopleOf(there) >= minUsers && groupsOf(there) >= 2)
        }
      }
    }),
    { numRuns: 500 },
  )
  t.ok(literals > 500, `${literals} literals were looked at`)
})

t.test('each route is matched by the paths of enough people when the catalogue is compiled', async (t) => {
  let looked = 0
  fc.assert(
    fc.property(traffic, fc.integer({ min: 2, max: 5 }), (uses, minUsers) => {
      const { routes } = learn(uses, { minUsers })
      const template = compileRoutes(routes, '/other')
      for (const route of routes) {
        looked += 1
        const there = uses.filter(({ path }) => template(path) === route)
        t.ok(peopleOf(there) >= minUsers && groupsOf(there) >= 2)
      }
    }),
    { numRuns: 500 },
  )
  t.ok(looked > 500, `${looked} routes were looked at`)
})

t.test('what is learnt does not depend on the order of the lines', async (t) => {
  fc.assert(
    fc.property(traffic, (uses) => {
      t.same(learn(uses, { minUsers: 3 }), learn(uses.toReversed(), { minUsers: 3 }))
    }),
  )
})
