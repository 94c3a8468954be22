/** For tests: a day's use of the ERP, and a rulebook that looks at it in every shape. */
import { HOUR } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { erpRulebook } from './stores.js'
import { DAY_START, type Row } from './traffic.js'

type Dims = Readonly<Record<string, string>>

/** People of these numbers, each of one of six tenants, did something at an hour. */
export function did(from: number, to: number, kind: string, dims: Dims, hour = 10): Row[] {
  return Array.from({ length: to - from }, (_none, at) => {
    const number = from + at
    const tenant = `tenant-${String(number % 6)}`
    return { at: DAY_START + hour * HOUR, person: `${tenant}-${String(number)}`, tenant, kind, dims }
  })
}

const roleOf = (number: number): string => (number < 12 ? 'accounts' : number < 32 ? 'sales' : 'admin')

/** The same with their roles: 12 of accounts, 20 of sales, 16 admins. */
export function used(event_name: string, from: number, to: number, hour = 11): Row[] {
  return Array.from({ length: to - from }, (_none, at) =>
    did(from + at, from + at + 1, 'feature', { event_name, role: roleOf(from + at) }, hour),
  ).flat()
}

const funnel = (id: string, ...steps: readonly ['page' | 'event', string][]): Statistic => ({
  id,
  title: id,
  site: 'erp',
  shape: { type: 'funnel', steps: steps.map(([of, value]) => ({ of, value })) },
  windows: ['day'],
  where: {},
  by: [],
  drill: [],
  measures: ['users'],
  people: 'floored',
})

/** 48 people of whom 40 saved an invoice and 36 ran the payroll: all of accounts, and some others. */
const PAYROLL: readonly (readonly [number, number])[] = [
  [0, 12],
  [12, 24],
  [32, 44],
]
export const USE: readonly Row[] = [
  ...did(0, 48, 'page_view', { path: '/invoices/new', device: 'desktop' }),
  ...used('invoice.save', 0, 40),
  ...PAYROLL.flatMap(([from, to]) => [
    ...did(from, to, 'page_view', { path: '/payroll', device: 'mobile' }),
    ...used('payroll.run', from, to, 12),
  ]),
  ...did(0, 20, 'timing', { path: '/dashboard', load_ms: '<100' }),
  ...did(20, 32, 'timing', { path: '/dashboard', load_ms: '100-299' }),
  ...did(32, 40, 'timing', { path: '/dashboard', load_ms: '300-999' }),
  ...did(40, 48, 'timing', { path: '/dashboard', load_ms: '>=10000' }),
  ...did(0, 20, 'timing', { path: '/reports', load_ms: '<100' }),
]

/** Statistics of every shape that a day has. */
export function dayRulebook(): Rulebook {
  const rulebook = erpRulebook('pages', 'features', 'speed')
  const funnels = [
    funnel('invoice', ['page', '/invoices/new'], ['event', 'invoice.save'], ['event', 'payroll.run']),
    funnel('payroll', ['page', '/payroll'], ['event', 'payroll.run'], ['event', 'invoice.save']),
  ]
  return { ...rulebook, statistics: [...rulebook.statistics, ...funnels] }
}

/** The same with noise, so that who computes twice publishes other numbers. */
export function noisedUse(): Rulebook {
  const rulebook = dayRulebook()
  const noise = { unit: 'user-day', mechanism: 'laplace', epsilon: 300, capPerYear: 1_000 } as const
  return { ...rulebook, release: { ...rulebook.release, noise } }
}
