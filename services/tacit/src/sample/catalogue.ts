/**
 * The sample ERP: its pages, how people go from one to the next, and what they do there. Routes and event names are
 * those of `rulebooks/erp/`.
 */
import type { EventKind } from '@tacit/rulebook'

/** Every event of the sample, with the kind that `events.yaml` states for it. */
export const SAMPLE_EVENTS = {
  page_view: 'page_view',
  page_load: 'timing',
  app_error: 'error',
  app_start: 'device',
  'invoice.save': 'feature',
  'invoice.send': 'feature',
  'invoice.print': 'feature',
  'payment.record': 'feature',
  'customer.create': 'feature',
  'item.create': 'feature',
  'report.export': 'feature',
  'gst.file': 'feature',
  'payroll.run': 'feature',
  'stock.adjust': 'feature',
  'search.use': 'feature',
  'bulk.import': 'feature',
  'dashboard.customise': 'feature',
} as const satisfies Record<string, EventKind>

export type SampleEvent = keyof typeof SAMPLE_EVENTS

export const SAMPLE_ROLES = ['admin', 'accounts', 'sales', 'operations'] as const
export type SampleRole = (typeof SAMPLE_ROLES)[number]

/** Oldest first. */
export const SAMPLE_APP_VERSIONS = ['8.1.0', '8.2.0', '8.2.1', '8.3.0'] as const

export type Module = 'home' | 'sales' | 'purchase' | 'stock' | 'books' | 'gst' | 'payroll' | 'admin' | 'help'

/** How much each role is drawn to a module. */
export const AFFINITY: Readonly<Record<SampleRole, Readonly<Record<Module, number>>>> = {
  admin: {
    home: 1,
    sales: 0.6,
    purchase: 0.5,
    stock: 0.4,
    books: 0.6,
    gst: 0.4,
    payroll: 0.8,
    admin: 3,
    help: 0.6,
  },
  accounts: {
    home: 1,
    sales: 1,
    purchase: 0.7,
    stock: 0.2,
    books: 2.2,
    gst: 1.6,
    payroll: 0.8,
    admin: 0.1,
    help: 0.4,
  },
  sales: {
    home: 1,
    sales: 2.6,
    purchase: 0.1,
    stock: 0.5,
    books: 0.4,
    gst: 0.1,
    payroll: 0.05,
    admin: 0.05,
    help: 0.4,
  },
  operations: {
    home: 1,
    sales: 0.5,
    purchase: 2,
    stock: 2.4,
    books: 0.2,
    gst: 0.1,
    payroll: 0.1,
    admin: 0.05,
    help: 0.5,
  },
}

export interface SampleRoute {
  readonly template: string
  readonly module: Module
  /** where people go from here, with weights; the menu is open everywhere besides */
  readonly next: Readonly<Record<string, number>>
  /** what people do here, with the chance of it per view */
  readonly does: Partial<Readonly<Record<SampleEvent, number>>>
  /** median load time, ms */
  readonly loadMs: number
  /** chance of an error per view */
  readonly breaks: number
  /** the weight of its entry in the menu; 0 where the menu does not name it */
  readonly menu: number
}

function route(
  template: string,
  module: Module,
  rest: Partial<Omit<SampleRoute, 'template' | 'module'>> = {},
): SampleRoute {
  return { template, module, next: {}, does: {}, loadMs: 420, breaks: 0.005, menu: 0, ...rest }
}

export const SAMPLE_ROUTES: readonly SampleRoute[] = [
  route('/', 'home', { next: { '/login': 3, '/dashboard': 5 }, loadMs: 260 }),
  route('/login', 'home', { next: { '/dashboard': 20 }, loadMs: 240 }),
  route('/dashboard', 'home', {
    next: {
      '/invoices': 3,
      '/customers': 2.5,
      '/stock': 2,
      '/ledger': 2,
      '/reports': 1.5,
      '/purchase/orders': 1.5,
    },
    does: { 'search.use': 0.06, 'dashboard.customise': 0.2 },
    loadMs: 640,
    menu: 3,
  }),
  route('/customers', 'sales', {
    next: { '/customers/:id': 9 },
    does: { 'search.use': 0.18, 'customer.create': 0.07, 'bulk.import': 0.08 },
    menu: 2,
  }),
  route('/customers/:id', 'sales', {
    next: {
      '/customers/:id/invoice/:no': 5,
      '/customers/:id/statement': 2.5,
      '/invoices/new': 2,
      '/customers': 2,
    },
  }),
  route('/customers/:id/invoice/:no', 'sales', {
    next: { '/customers/:id': 4, '/payments/new': 2 },
    does: { 'invoice.print': 0.2, 'invoice.send': 0.12 },
    loadMs: 510,
  }),
  route('/customers/:id/statement', 'sales', {
    next: { '/customers/:id': 3 },
    does: { 'report.export': 0.15 },
    breaks: 0.08,
    loadMs: 900,
  }),
  route('/invoices', 'sales', {
    next: { '/invoices/:id': 7, '/invoices/new': 6 },
    does: { 'search.use': 0.12, 'bulk.import': 0.06 },
    loadMs: 560,
    menu: 3,
  }),
  route('/invoices/new', 'sales', {
    next: { '/invoices/:id': 8, '/invoices': 3 },
    does: { 'invoice.save': 0.62 },
    breaks: 0.07,
    loadMs: 380,
  }),
  route('/invoices/:id', 'sales', {
    next: { '/invoices/:id/edit': 3, '/invoices': 5, '/payments/new': 1.5 },
    does: { 'invoice.send': 0.38, 'invoice.print': 0.18 },
  }),
  route('/invoices/:id/edit', 'sales', {
    next: { '/invoices/:id': 8 },
    does: { 'invoice.save': 0.7 },
    loadMs: 430,
  }),
  route('/payments', 'books', { next: { '/payments/new': 5, '/invoices/:id': 1.5 }, menu: 1.5 }),
  route('/payments/new', 'books', { next: { '/payments': 6 }, does: { 'payment.record': 0.7 }, loadMs: 360 }),
  route('/items', 'stock', {
    next: { '/items/:id': 8 },
    does: { 'search.use': 0.15, 'item.create': 0.08, 'bulk.import': 0.09 },
    menu: 1.5,
  }),
  route('/items/:id', 'stock', { next: { '/items': 5, '/stock': 2 } }),
  route('/stock', 'stock', {
    next: { '/stock/transfers': 4, '/items/:id': 3 },
    does: { 'stock.adjust': 0.12 },
    loadMs: 720,
    menu: 1.5,
  }),
  route('/stock/transfers', 'stock', { next: { '/stock': 4 }, does: { 'stock.adjust': 0.3 }, menu: 0.5 }),
  route('/purchase/orders', 'purchase', {
    next: { '/purchase/orders/:id': 8, '/vendors': 1 },
    does: { 'search.use': 0.08 },
    menu: 1.5,
  }),
  route('/purchase/orders/:id', 'purchase', { next: { '/purchase/orders': 5, '/vendors/:id': 1.5 } }),
  route('/vendors', 'purchase', { next: { '/vendors/:id': 6 }, does: { 'search.use': 0.1 }, menu: 1 }),
  route('/vendors/:id', 'purchase', { next: { '/vendors': 3, '/purchase/orders/:id': 2 } }),
  route('/ledger', 'books', { next: { '/ledger/:account': 8 }, loadMs: 830, menu: 1.5 }),
  route('/ledger/:account', 'books', {
    next: { '/ledger': 5, '/reports': 1 },
    does: { 'report.export': 0.08 },
    loadMs: 980,
  }),
  route('/reports', 'books', { next: { '/reports/:name': 9 }, menu: 1.5 }),
  route('/reports/:name', 'books', {
    next: { '/reports': 5 },
    does: { 'report.export': 0.32 },
    breaks: 0.1,
    loadMs: 1900,
  }),
  route('/gst/returns', 'gst', { next: { '/gst/returns/:period': 7 }, loadMs: 610, menu: 1.5 }),
  route('/gst/returns/:period', 'gst', {
    next: { '/gst/returns': 4 },
    does: { 'gst.file': 0.18, 'report.export': 0.1 },
    breaks: 0.09,
    loadMs: 1400,
  }),
  route('/payroll', 'payroll', { next: { '/payroll/:month': 6, '/employees': 2 }, menu: 0.7 }),
  route('/payroll/:month', 'payroll', {
    next: { '/payroll': 3, '/employees/:id': 2 },
    does: { 'payroll.run': 0.2 },
    loadMs: 1200,
  }),
  route('/employees', 'payroll', { next: { '/employees/:id': 6 }, menu: 0.5 }),
  route('/employees/:id', 'payroll', { next: { '/employees': 4 } }),
  route('/settings', 'admin', {
    next: { '/settings/users': 3, '/settings/company': 2 },
    loadMs: 310,
    menu: 0.7,
  }),
  route('/settings/users', 'admin', { next: { '/settings': 3 } }),
  route('/settings/company', 'admin', { next: { '/settings': 3 } }),
  route('/help', 'help', {
    next: { '/help/:topic': 6 },
    does: { 'search.use': 0.25 },
    loadMs: 290,
    menu: 0.5,
  }),
  route('/help/:topic', 'help', { next: { '/help': 3 }, loadMs: 300 }),
]
