/** A site like that of the shipped ERP rulebook, for tests of its noise. */
import type { NoiseBudget, NoisePlanInput, PlannedInput } from '../plan.js'

const counts = { type: 'counts' } as const

export const ERP_STATISTICS: readonly PlannedInput[] = [
  { id: 'live', shape: { type: 'live' }, windows: ['5m'], where: {}, drill: [], measures: ['users'] },
  {
    id: 'pages',
    shape: counts,
    windows: ['hour', 'day'],
    where: { kind: 'page_view' },
    drill: ['device'],
    measures: ['users', 'events'],
  },
  {
    id: 'features',
    shape: counts,
    windows: ['day', 'week'],
    where: { kind: 'feature' },
    drill: ['role'],
    measures: ['users', 'events'],
  },
  {
    id: 'navigation',
    shape: counts,
    windows: ['day'],
    where: { kind: 'page_view' },
    drill: [],
    measures: ['users'],
  },
  { id: 'apps', shape: counts, windows: ['week'], where: { kind: 'device' }, drill: [], measures: ['users'] },
  { id: 'devices', shape: counts, windows: ['day'], where: {}, drill: [], measures: ['users'] },
  {
    id: 'speed',
    shape: { type: 'histogram' },
    windows: ['day'],
    where: { kind: 'timing' },
    drill: [],
    measures: [],
  },
  {
    id: 'invoice',
    shape: { type: 'funnel', steps: [1, 2, 3] },
    windows: ['day'],
    where: {},
    drill: [],
    measures: ['users'],
  },
  {
    id: 'retention',
    shape: { type: 'retention' },
    windows: ['week'],
    where: {},
    drill: [],
    measures: ['users'],
  },
  {
    id: 'time',
    shape: counts,
    windows: ['day'],
    where: { kind: 'page_view' },
    drill: [],
    measures: ['visits', 'time_s'],
  },
]

export function site(noise: NoiseBudget): NoisePlanInput {
  return {
    noise,
    minUsers: 10,
    maxEventsPerPerson: 20,
    kinds: 4,
    membershipsPerPerson: 40,
    largestSeconds: 1800,
    statistics: ERP_STATISTICS,
  }
}
