import fc from 'fast-check'
import t from 'tap'
import { rankedCells } from './rank.js'
import type { StoredCell } from './types.js'

const DAY = 86_400_000

function cell(dims: readonly string[], users: number | null, events: number | null, day = 0): StoredCell {
  return {
    statistic: 'pages',
    window: 'day',
    windowStart: day * DAY,
    dims,
    users,
    floor: 10,
    events,
    visits: null,
    time_s: null,
    share: null,
    users_error: null,
    events_error: null,
    rulebook: 'ab',
  }
}

t.test('cells are ranked by people, then events, then values, within their window and level', async (t) => {
  const ranks = new Map(
    rankedCells([
      cell(['/b'], 20, 30),
      cell(['/a'], 20, 30),
      cell(['/c'], 20, 31),
      cell(['/d'], null, 99),
      cell(['/a', 'mobile'], 10, 15),
      cell(['/a', '(other)'], 90, 95),
      cell(['(other)'], 500, 600),
      cell(['(none)'], 30, 40),
      cell(['/a'], 10, 10, 1),
    ]).map(({ cell: { dims, windowStart }, depth, listed, rank }) => [
      `${String(windowStart / DAY)} ${dims.join()}`,
      [depth, rank, listed],
    ]),
  )
  t.same(Object.fromEntries(ranks), {
    '0 (none)': [1, 1, 4],
    '0 /c': [1, 2, 4],
    '0 /a': [1, 3, 4],
    '0 /b': [1, 4, 4],
    '0 /d': [1, 5, 4],
    '0 /a,mobile': [2, 1, 1],
    '0 /a,(other)': [2, 2, 1],
    '0 (other)': [1, 0, 4],
    '1 /a': [1, 1, 1],
  })
})

t.test('the order in which cells come makes no difference to their ranks', async (t) => {
  const cells = fc.uniqueArray(
    fc.tuple(
      fc.constantFrom('/a', '/b', '/c', '(other)'),
      fc.constantFrom('', 'x', 'y'),
      fc.nat({ max: 3 }),
      fc.nat({ max: 2 }),
    ),
    { selector: ([path, device, , day]) => `${path} ${device} ${String(day)}` },
  )
  const said = (all: readonly StoredCell[]): string =>
    rankedCells(all)
      .map(({ cell: { dims, windowStart }, rank }) => `${String(windowStart)} ${dims.join()} ${String(rank)}`)
      .sort()
      .join('\n')
  fc.assert(
    fc.property(
      cells.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => {
        const [one, other] = [all, shuffled].map((list) =>
          list.map(([path, device, users, day]) =>
            cell(device === '' ? [path] : [path, device], users * 10, users * 10, day),
          ),
        )
        return said(one ?? []) === said(other ?? [])
      },
    ),
  )
  t.pass('held in every run')
})
