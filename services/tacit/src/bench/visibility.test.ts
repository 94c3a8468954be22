import type { Cell } from '@tacit/disclosure'
import type { NodeCount } from '@tacit/warehouse'
import t from 'tap'
import { addVisible, NOTHING, percentOf, visibleGroups, visibleShares } from './visibility.js'

const node = (
  dims: readonly string[],
  users: number,
  events: number,
  hour: number | null = null,
): NodeCount => ({
  dims,
  hour,
  users,
  events,
  tenants: 4,
  networks: 0,
  largestTenantUsers: 1,
  largestTenantEvents: 1,
  largestPersonEvents: 1,
})
const cell = (dims: readonly string[], users: number | null, events: number | null): Cell => ({
  dims,
  users,
  floor: users === null ? null : 10,
  events,
})
const NODES = [
  node(['/a'], 57, 179),
  node(['/a', 'desktop'], 42, 147),
  node(['/a', 'mobile'], 21, 32),
  node(['/b'], 9, 11),
  node([''], 14, 20),
]

t.test('a group is visible with its exact people where it has a cell of its own', async (t) => {
  const cells = [cell(['/a'], 50, 179), cell(['(other)'], 10, 11), cell(['(none)'], 10, null)]
  t.same(visibleGroups(NODES, cells, 1), {
    groups: 3,
    groupsShown: 2,
    people: 80,
    peopleShown: 71,
    events: 210,
    eventsShown: 179,
  })
})

t.test('what is pooled below a group is not visible there', async (t) => {
  const cells = [cell(['/a'], 50, 179), cell(['/a', 'desktop'], null, 147), cell(['/a', '(other)'], 10, 32)]
  const { eventsShown, groupsShown, peopleShown } = visibleGroups(NODES, cells, 2)
  t.same([groupsShown, peopleShown, eventsShown], [1, 0, 147], 'its people are not public, its events are')
})

t.test('the same group of another hour has a cell of its own', async (t) => {
  const nodes = [node(['/a'], 12, 20, 9), node(['/a'], 8, 9, 10)]
  const { people, peopleShown } = visibleGroups(nodes, [{ ...cell(['/a'], 10, null), hour: 9 }], 1)
  t.same([people, peopleShown], [20, 12])
})

t.test('a histogram is visible where any of its shares is', async (t) => {
  const shares = [{ ...cell(['/a', '<300'], null, null), share: 40 }]
  const { events, eventsShown, groupsShown } = visibleShares(NODES, shares, 1)
  t.same([groupsShown, eventsShown, events], [1, 179, 210])
})

t.test('windows add up, and of nothing there is no share', async (t) => {
  const one = visibleGroups(NODES, [cell(['/a'], 50, 179)], 1)
  t.same(addVisible(NOTHING, one), one)
  t.equal(addVisible(one, one).peopleShown, 114)
  t.equal(percentOf(57, 80), 71)
  t.equal(percentOf(0, 0), null)
})
