/**
 * The worked example of docs/disclosure.md: one made-up day of an ERP with seventy people, counted by the plain reference
 * and released by the engine. A test keeps the page, and its picture, equal to it.
 */
import { bucketGroups, wholePercents } from '../buckets.js'
import { funnelDrafts } from '../funnel.js'
import { passes } from '../thresholds.js'
import type { Cell, CountedNode, Thresholds, TreeSpec } from '../types.js'
import { countNode, countUnion, release, type Row } from './worlds.js'

const THRESHOLDS: Thresholds = {
  identity: 'signed',
  minUsers: 10,
  step: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
  maxEventsPerPerson: 20,
}
/** People of the companies A to F. */
const COMPANIES = [20, 14, 12, 10, 8, 6]
const PEOPLE = COMPANIES.flatMap((size, tenant) => Array.from({ length: size }, () => tenant)).map(
  (tenant, person) => ({ person, tenant }),
)
const PAGES = ['/invoices', '/customers', '/payroll', '/reports', '/settings', '/gst', '/stock', '/help']
const DEVICES = ['desktop', 'mobile', 'tablet', 'other']
const BUCKETS = ['<100', '100-299', '300-999', '1000-2999', '>=3000']

const TREE: TreeSpec = {
  id: 'pages',
  levels: ['path', 'device'],
  plain: 1,
  measures: ['users', 'events'],
  people: 'floored',
  declared: [PAGES, DEVICES],
  histogram: false,
}

type Member = (typeof PEOPLE)[number]

function views(people: readonly Member[], path: string, device: string, each: number): Row[] {
  return people.flatMap(({ person, tenant }) =>
    Array.from({ length: each + (person % 2) }, () => ({
      person,
      tenant,
      network: 0,
      hour: 9,
      dims: [path, device],
      visit: false,
      seconds: 0,
    })),
  )
}

const every = (nth: number, of: number): Member[] => PEOPLE.filter(({ person }) => person % of === nth)
const ofCompany = (tenant: number, most: number): Member[] =>
  PEOPLE.filter((member) => member.tenant === tenant).slice(0, most)

const INVOICES = [
  ...views([...every(0, 5), ...every(1, 5), ...every(2, 5)], '/invoices', 'desktop', 3),
  ...views([...every(3, 5), ...every(0, 10)], '/invoices', 'mobile', 1),
  ...views(every(4, 18), '/invoices', 'tablet', 1),
]
const ROWS: readonly Row[] = [
  ...INVOICES,
  ...views(every(2, 3), '/customers', 'desktop', 2),
  ...views([...ofCompany(0, 13), ...every(1, 10).slice(2), ...ofCompany(2, 3)], '/payroll', 'desktop', 2),
  ...views(every(3, 9).slice(1), '/reports', 'desktop', 1),
  ...views(every(6, 12), '/settings', 'mobile', 1),
]

const LETTERS = 'ABCDEF'

/** A Markdown table. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String))
  const widths = head.map((title, at) =>
    Math.max(3, title.length, ...cells.map((row) => row[at]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...cells.map(line)].join('\n')
}

/** The company that has most people of some rows. */
function largestCompany(rows: readonly Row[]): string {
  const people = COMPANIES.map(
    (_size, tenant) => new Set(rows.filter((row) => row.tenant === tenant).map(({ person }) => person)).size,
  )
  return LETTERS[people.indexOf(Math.max(...people))] ?? ''
}

function countedTable(nodes: readonly CountedNode[]): string {
  const order = (dims: readonly string[]): number =>
    PAGES.indexOf(dims[0] ?? '') * 10 + (dims.length === 1 ? 0 : 1 + DEVICES.indexOf(dims[1] ?? ''))
  const rows = [...nodes]
    .sort((a, b) => order(a.dims) - order(b.dims))
    .map((node) => {
      const inside = ROWS.filter(({ dims }) => node.dims.every((value, at) => dims[at] === value))
      return [
        node.dims[0] ?? '',
        node.dims[1] ?? '',
        node.users,
        node.events,
        node.tenants,
        `${String(node.largestTenantUsers)} (${largestCompany(inside)})`,
        passes(node, THRESHOLDS) ? 'yes' : 'no',
      ]
    })
  return table(['page', 'device', 'people', 'events', 'companies', 'of the largest', 'passes'], rows)
}

function publishedTable(cells: readonly Cell[]): string {
  const rows = cells.map(({ dims, events, users }) => [
    dims[0] ?? '',
    dims[1] ?? '',
    users ?? '',
    events ?? '',
  ])
  return table(['page', 'device', 'people', 'events'], rows)
}

function funnelTable(): string {
  const reached: readonly (readonly [string, readonly Member[]])[] = [
    ['page:/invoices/new', every(0, 2)],
    ['event:invoice.save', every(0, 3)],
    ['event:invoice.send', every(0, 9)],
  ]
  const steps = reached.map(([label, people]) => ({
    label,
    sensitive: false,
    node: countNode([label], null, views(people, label, 'desktop', 1), true),
  }))
  const published = new Map(
    funnelDrafts(steps, THRESHOLDS).map(({ cell }) => [cell.dims[0], cell.users ?? 0] as const),
  )
  const first = published.get(steps[0]?.label) ?? 0
  const rows = steps.map(({ label, node }) => {
    const users = published.get(label)
    const conversion = users === undefined ? '' : `${String(Math.round((100 * users) / first))} %`
    return [label, node.users, users ?? 'not shown', conversion]
  })
  return table(['step', 'counted', 'published', 'conversion'], rows)
}

function sharesTable(): string {
  const loads = (people: readonly Member[], bucket: string, each: number): Row[] =>
    views(people, '/invoices', bucket, each)
  const rows = [
    ...loads(every(0, 12), '<100', 1),
    ...loads(every(1, 3), '100-299', 1),
    ...loads(every(2, 2), '300-999', 1),
    ...loads(every(0, 2), '300-999', 2),
    ...loads(every(2, 3), '1000-2999', 1),
    ...loads(every(1, 20), '>=3000', 1),
  ]
  const of = (label: string) => rows.filter(({ dims }) => dims[1] === label)
  const nodes = BUCKETS.map((label) => countNode(['/invoices', label], null, of(label), true))
  const groups = bucketGroups(BUCKETS, nodes, THRESHOLDS, (parts) =>
    countUnion({ hour: null, parent: ['/invoices'], parts }, rows, true),
  )
  const shares = wholePercents((groups ?? []).map(({ node }) => node.events))
  const published = new Map(
    (groups ?? []).flatMap(({ label, parts }, at) =>
      parts.map((part, place) => [part, place === 0 ? `${label}: ${String(shares[at])} %` : '″'] as const),
    ),
  )
  return table(
    ['load time, ms', 'people', 'loads', 'published'],
    nodes.map((node) => {
      const label = node.dims[1] ?? ''
      return [label, node.users, node.events, published.get(label) ?? '']
    }),
  )
}

export interface WorkedExample {
  /** tables of the page, by name */
  readonly figures: Readonly<Record<string, string>>
  readonly cells: readonly Cell[]
  readonly nodes: readonly CountedNode[]
  /** rows that were counted, and those of them that lie in a published cell of pages */
  readonly events: { readonly counted: number; readonly published: number }
  readonly checked: boolean
}

export function workedExample(): WorkedExample {
  const {
    cells: released,
    input,
    ok,
  } = release([{ tree: { spec: TREE, window: 'day', kind: 'page_view' }, rows: ROWS }], THRESHOLDS)
  const cells = released[0] ?? []
  const nodes = input.trees[0]?.nodes ?? []
  const plain = cells.filter(({ dims }) => dims.length === 1)
  return {
    figures: {
      counted: countedTable(nodes),
      published: publishedTable(cells),
      funnel: funnelTable(),
      shares: sharesTable(),
    },
    cells,
    nodes,
    events: { counted: ROWS.length, published: plain.reduce((sum, { events }) => sum + (events ?? 0), 0) },
    checked: ok,
  }
}
