/** What the whole of disclosure promises, on random worlds. */
import fc from 'fast-check'
import t from 'tap'
import { checkWindow } from './checker.js'
import { type Release, type Row, releaseOf, steadyNoise, worlds } from './testing/worlds.js'
import { type Cell, NONE, OTHER, type Thresholds } from './types.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
/** Of all ways in which a release is altered, every so manieth is tried. */
const EVERY = isFull ? 1 : 8

function checked({ cells, input }: Release, at: number, changed: readonly Cell[]) {
  const trees = input.trees.map((tree, index) => ({
    ...tree,
    cells: index === at ? changed : (cells[index] ?? []),
  }))
  return checkWindow(trees, input.thresholds)
}

t.test('the independent checker takes what the engine releases, whatever happened', async (t) => {
  const seen = {
    blocks: 0,
    pools: 0,
    silentPeople: 0,
    peopleOnly: 0,
    drills: 0,
    hours: 0,
    shares: 0,
    nothing: 0,
  }
  const note = (what: keyof typeof seen, holds: boolean) => {
    if (holds) seen[what] += 1
  }
  fc.assert(
    fc.property(worlds, (world) => {
      const { cells, findings, ok, rows } = releaseOf(world)
      const [day = [], hours = [], shares = []] = cells
      const isPool = ({ dims }: Cell) => dims.includes(OTHER)
      note('blocks', !day.every(isPool))
      note('pools', day.some(isPool))
      note(
        'silentPeople',
        day.some((cell) => isPool(cell) && cell.users === null),
      )
      note(
        'peopleOnly',
        world.specs[0]?.measures.includes('events') === true && day.some(({ events }) => events === null),
      )
      note(
        'drills',
        day.some(({ dims }) => dims.length > (world.specs[0]?.plain ?? 1)),
      )
      note('hours', hours.length > 0)
      note('shares', shares.length > 0)
      note('nothing', (rows[0]?.length ?? 0) > 0 && day.length === 0)
      if (!ok) throw new Error(findings.join(', '))
    }),
    { numRuns: isFull ? 2_000 : 80, endOnFailure: true },
  )
  for (const [what, count] of Object.entries(seen))
    t.ok(count > 0, `the worlds hold ${what} (${String(count)})`)
})

t.test('the independent checker takes what the engine releases with noise, whatever is drawn', async (t) => {
  let shown = 0
  fc.assert(
    fc.property(worlds, fc.nat(20), fc.integer({ min: 1, max: 12 }), (world, more, width) => {
      const { cells, findings, ok } = releaseOf(world, steadyNoise(world.thresholds.step + more, width))
      shown += cells.flat().length
      if (!ok) throw new Error(findings.join(', '))
    }),
    { numRuns: isFull ? 2_000 : 100, endOnFailure: true },
  )
  t.ok(shown > 300, `${String(shown)} cells`)
})

/** Rows behind the cells of one view of a tree: each row's own cell, else the nearest pool above it. */
function rowsBehind(cells: readonly Cell[], rows: readonly Row[], depth: number): Map<Cell, Row[]> {
  const byName = new Map(
    cells.flatMap((cell) => (cell.dims.length === depth ? [[cell.dims.join('\n'), cell]] : [])),
  )
  const behind = new Map<Cell, Row[]>()
  for (const row of rows) {
    const dims = row.dims.slice(0, depth)
    const named = dims.map((value) =>
      value === OTHER || value === NONE ? '\0' : value === '' ? NONE : value,
    )
    const names = [named.join('\n')]
    for (let at = depth - 1; at >= 0; at -= 1)
      names.push([...named.slice(0, at), ...dims.slice(at).map(() => OTHER)].join('\n'))
    const name = names.find((one) => byName.has(one))
    const cell = name === undefined ? undefined : byName.get(name)
    if (cell !== undefined) behind.set(cell, [...(behind.get(cell) ?? []), row])
  }
  return behind
}

function counts<Key>(rows: readonly Row[], of: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) groups.set(of(row), [...(groups.get(of(row)) ?? []), row])
  return groups
}

const peopleOf = (rows: readonly Row[]) => new Set(rows.map(({ person }) => person)).size

/** What no published group may be, told of its rows. */
function wrongOf(rows: readonly Row[], limits: Thresholds): string | null {
  const people = peopleOf(rows)
  if (people < limits.minUsers) return 'too few people'
  if (limits.identity === 'network')
    return new Set(rows.map(({ network }) => network)).size < limits.minNetworks ? 'too few networks' : null
  // The attacker is each tenant in turn: it subtracts its own people.
  const tenants = [...counts(rows, ({ tenant }) => tenant).values()]
  if (tenants.length - 1 < limits.minTenants) return 'too few tenants'
  if (tenants.some((own) => people - peopleOf(own) < limits.minUsers)) return 'too few people beside a tenant'
  if (tenants.some((own) => peopleOf(own) / people > limits.maxShare)) return 'people of one tenant'
  return tenants.some((own) => own.length / rows.length > limits.maxShare) ? 'events of one tenant' : null
}

t.test(
  'V7: no random world publishes a group below its thresholds, or a number that is not of its rows',
  async (t) => {
    let cellsSeen = 0
    fc.assert(
      fc.property(worlds, (world) => {
        const { cells, input, rows } = releaseOf(world)
        const { maxPersonShare, step } = world.thresholds
        for (const [at, { spec, window }] of input.trees.slice(0, 2).entries()) {
          for (const [hour, own] of counts(rows[at] ?? [], (row) => (window === 'hour' ? row.hour : null))) {
            const published = (cells[at] ?? []).filter((cell) => (cell.hour ?? null) === hour)
            for (const depth of new Set(published.map(({ dims }) => dims.length))) {
              for (const [cell, behind] of rowsBehind(published, own, depth)) {
                cellsSeen += 1
                const fail = (what: string) => {
                  throw new Error(`${what}: ${JSON.stringify(cell)}`)
                }
                const wrong = wrongOf(behind, world.thresholds)
                if (wrong !== null) fail(wrong)
                const people = peopleOf(behind)
                const isExact = spec.people === 'exact' && cell.floor === null && cell.users !== null
                if (isExact && (cell.users !== people || cell.dims.includes(OTHER))) fail('not the people')
                if (
                  !isExact &&
                  cell.users !== null &&
                  (cell.users > people || cell.users % step !== 0 || cell.users < step)
                )
                  fail('no floor of the people')
                const dominated = [...counts(behind, ({ person }) => person).values()].some(
                  (rowsOfOne) => rowsOfOne.length / behind.length > maxPersonShare,
                )
                const hasBelow = published.some(
                  ({ dims }) => dims.length > depth && dims.slice(0, depth).join() === cell.dims.join(),
                )
                // A sum is of what is published below, which may lack what of a part may not be said.
                const isRight = hasBelow
                  ? (cell.events ?? 0) <= behind.length
                  : (cell.events ?? behind.length) === behind.length && (cell.events === null || !dominated)
                if (!isRight) fail('not the events')
              }
            }
          }
        }
      }),
      { numRuns: isFull ? 2_000 : 60, endOnFailure: true },
    )
    t.ok(cellsSeen > 500, `${String(cellsSeen)} cells`)
  },
)

t.test('nobody can conclude from (other) that one of its groups holds anybody', async (t) => {
  let pools = 0
  fc.assert(
    fc.property(worlds, (world) => {
      const { cells, input, rows } = releaseOf(world)
      const [day = []] = cells
      const spec = input.trees[0]?.spec
      for (const pool of day) {
        if (spec === undefined || pool.users === null || !pool.dims.includes(OTHER)) continue
        const at = pool.dims.indexOf(OTHER)
        const siblings = new Set(
          day.flatMap(({ dims }) =>
            dims.length === pool.dims.length && dims.slice(0, at).join() === pool.dims.slice(0, at).join()
              ? [dims[at]]
              : [],
          ),
        )
        const values = (rows[0] ?? []).flatMap(({ dims }) => {
          const shown = dims.map((value) => (value === '' ? NONE : value))
          return shown.slice(0, at).join() === pool.dims.slice(0, at).join() ? [shown[at] ?? ''] : []
        })
        // With a part of k or more, nothing follows from the others being few.
        const isMany = input.trees[0]?.nodes.some(
          ({ dims, users }) =>
            dims.length === at + 1 &&
            dims
              .slice(0, at)
              .map((value) => value || NONE)
              .join() === pool.dims.slice(0, at).join() &&
            (dims[at] === OTHER || dims[at] === NONE || !siblings.has(dims[at] || NONE)) &&
            users >= world.thresholds.minUsers,
        )
        if (isMany === true) continue
        const known = new Set([...values, ...(spec.declared[at] ?? [])])
        const parts = [...known].filter((value) => value === OTHER || !siblings.has(value)).length
        pools += 1
        // Every other part as large as a small group can be: nobody need be left for the last one.
        if (pool.users > (parts - 1) * (world.thresholds.minUsers - 1))
          throw new Error(JSON.stringify({ pool, parts }))
      }
    }),
    { numRuns: isFull ? 2_000 : 200, endOnFailure: true },
  )
  t.ok(pools > 20, `${String(pools)} pools`)
})

/** Every way in which one number of a cell may be wrong. */
function alterations(cell: Cell, step: number): Cell[] {
  const numbers = (value: number | null) =>
    value === null ? [step, 0] : [value + 1, value - 1, value + step, value - step, null]
  const shares = cell.share === undefined ? [50] : [cell.share + 1, cell.share - 1]
  return [
    ...numbers(cell.users).map((users) => ({ ...cell, users })),
    ...numbers(cell.events).map((events) => ({ ...cell, events })),
    ...[1, (cell.floor ?? 0) + 1, null].flatMap((floor) => (floor === cell.floor ? [] : { ...cell, floor })),
    { ...cell, visits: (cell.visits ?? 0) + 1 },
    { ...cell, time_s: (cell.time_s ?? 0) + 1 },
    ...shares.map((share) => ({ ...cell, share })),
    { ...cell, dims: cell.dims.map((value, at) => (at === 0 ? '/nowhere' : value)) },
    { ...cell, dims: [...cell.dims, OTHER] },
  ]
}

/** What could be said of groups that are not told, as though they might be. */
function gained({ cells, input }: Release, at: number): Cell[] {
  const tree = input.trees[at]
  if (tree === undefined || tree.spec.histogram) return []
  const { step } = input.thresholds
  const key = (hour: number | null | undefined, dims: readonly string[]) =>
    JSON.stringify([hour ?? null, ...dims])
  const known = new Set((cells[at] ?? []).map(({ dims, hour }) => key(hour, dims)))
  const { measures, plain } = tree.spec
  return tree.nodes.flatMap(({ dims, events, hour, users }) => {
    const shown = dims.map((value) => (value === '' ? NONE : value))
    if (dims.length < plain || known.has(key(hour, shown))) return []
    const isSaid = measures.includes('users')
    return {
      dims: shown,
      ...(hour === null || hour === undefined ? {} : { hour }),
      users: isSaid ? Math.max(step, users - (users % step)) : null,
      floor: isSaid ? step : null,
      events: measures.includes('events') ? events : null,
    }
  })
}

t.test(
  'the checker rejects a release with any single cell altered, dropped, repeated or added',
  async (t) => {
    let altered = 0
    let turn = 0
    fc.assert(
      fc.property(worlds, (world) => {
        const release = releaseOf(world)
        for (const [at, cells] of release.cells.entries()) {
          const wrong = cells.flatMap((cell, index) => {
            const others = cells.filter((_, place) => place !== index)
            const changed = alterations(cell, world.thresholds.step).map((one) => [...others, one])
            return [...changed, [...others, cell, cell], others]
          })
          for (const changed of [...wrong, ...gained(release, at).map((one) => [...cells, one])]) {
            turn += 1
            if (turn % EVERY !== 0) continue
            altered += 1
            if (checked(release, at, changed).ok)
              throw new Error(`taken: ${JSON.stringify(changed)} for ${JSON.stringify(cells)}`)
          }
        }
      }),
      { numRuns: isFull ? 60 : 20, endOnFailure: true },
    )
    t.ok(altered > 500, `${String(altered)} altered releases`)
  },
)
