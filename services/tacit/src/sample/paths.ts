/** Paths with raw ids in them, as a browser sends them; the collector is what makes templates of them. */
import type { Random } from './random.js'

/** What ids of a path are drawn from. */
export interface PathContext {
  readonly random: Random
  /** this month and the one before, `YYYY-MM` */
  readonly months: readonly [string, string]
}

const ACCOUNTS = [
  '3100-domestic-sales',
  '3110-export-sales',
  '1200-bank',
  '1300-debtors',
  '2100-creditors',
  '5200-freight',
] as const
const REPORTS = [
  'profit-and-loss',
  'balance-sheet',
  'trial-balance',
  'aged-debtors',
  'stock-valuation',
  'day-book',
] as const
const TOPICS = [
  'e-way-bill',
  'gst-filing',
  'bank-reconciliation',
  'keyboard-shortcuts',
  'importing-items',
] as const

/** Ids as a browser would send them: few are hot, most are rare. */
function skewed({ random }: PathContext, count: number): number {
  return Math.floor(count * random.unit() ** 2)
}

/** What stands in for a parameter: by the segment before it, which names the thing. */
const PARAMETERS: Readonly<Record<string, (context: PathContext) => string>> = {
  customers: (context) => String(40_000 + skewed(context, 30_000)),
  invoice: (context) => `INV-${1_000 + skewed(context, 8_000)}`,
  invoices: (context) => `INV-${1_000 + skewed(context, 8_000)}`,
  items: (context) => `SKU-${80_000 + skewed(context, 9_000)}`,
  orders: (context) => `PO-${50_000 + skewed(context, 6_000)}`,
  vendors: (context) => String(7_000 + skewed(context, 900)),
  employees: (context) => `E-${1_000 + skewed(context, 700)}`,
  ledger: ({ random }) => random.pick(ACCOUNTS),
  reports: ({ random }) => random.pick(REPORTS),
  returns: ({ random, months }) => random.pick(months),
  payroll: ({ random, months }) => random.pick(months),
  help: ({ random }) => random.pick(TOPICS),
}

export type PathMaker = (context: PathContext) => string

/** A maker of raw paths for a template, e.g. `/customers/48211/invoice/INV-2231`. */
export function pathMaker(template: string): PathMaker {
  const segments = template.split('/').map((segment, index, all) => {
    if (!segment.startsWith(':')) return segment
    const make = PARAMETERS[all[index - 1] ?? '']
    if (make === undefined) throw new RangeError('a parameter of the sample catalogue has no maker')
    return make
  })
  if (segments.every((segment) => typeof segment === 'string')) return () => template
  return (context) => {
    let path = ''
    for (const [index, segment] of segments.entries()) {
      if (index > 0) path += '/'
      path += typeof segment === 'string' ? segment : segment(context)
    }
    return path
  }
}
