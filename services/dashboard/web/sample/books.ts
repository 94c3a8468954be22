/** The books of a made-up company. */
export interface Customer {
  readonly id: number
  readonly name: string
  readonly city: string
}

export interface Invoice {
  readonly no: string
  readonly customer: number
  /** in rupees */
  readonly amount: number
  readonly state: 'draft' | 'sent' | 'paid'
}

export interface Books {
  readonly customers: readonly Customer[]
  readonly invoices: readonly Invoice[]
}

export const firstBooks: Books = {
  customers: [
    { id: 12345, name: 'Malabar Spices', city: 'Kochi' },
    { id: 12398, name: 'Deccan Tools', city: 'Pune' },
    { id: 12402, name: 'Ganga Textiles', city: 'Varanasi' },
    { id: 12517, name: 'Nilgiri Tea House', city: 'Coonoor' },
  ],
  invoices: [
    { no: 'INV-1041', customer: 12345, amount: 48_200, state: 'sent' },
    { no: 'INV-1040', customer: 12517, amount: 12_750, state: 'paid' },
    { no: 'INV-1039', customer: 12398, amount: 230_000, state: 'sent' },
    { no: 'INV-1038', customer: 12402, amount: 75_600, state: 'draft' },
    { no: 'INV-1037', customer: 12345, amount: 9_900, state: 'paid' },
  ],
}

const rupee = new Intl.NumberFormat('en-IN', { style: 'currency', currency: 'INR', maximumFractionDigits: 0 })

export const money = (amount: number): string => rupee.format(amount)

export function customerOf(books: Books, id: number): Customer | undefined {
  return books.customers.find((customer) => customer.id === id)
}

export function withInvoice(
  books: Books,
  customer: number,
  amount: number,
): { books: Books; invoice: Invoice } {
  const last = Math.max(...books.invoices.map(({ no }) => Number(no.slice(4))))
  const invoice: Invoice = { no: `INV-${last + 1}`, customer, amount, state: 'draft' }
  return { books: { ...books, invoices: [invoice, ...books.invoices] }, invoice }
}

export function withState(books: Books, no: string, state: Invoice['state']): Books {
  return { ...books, invoices: books.invoices.map((one) => (one.no === no ? { ...one, state } : one)) }
}

export function withCustomer(books: Books, name: string, city: string): { books: Books; customer: Customer } {
  const customer = { id: Math.max(...books.customers.map(({ id }) => id)) + 17, name, city }
  return { books: { ...books, customers: [...books.customers, customer] }, customer }
}
