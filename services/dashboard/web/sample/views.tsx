/** The ERP's pages, by path. Paths hold raw ids on purpose: that is what Tacit has to deal with. */
import { useState } from 'preact/hooks'
import { customerOf, money, withCustomer, withInvoice, withState, type Invoice } from './books.js'
import type { Desk } from './erp.js'

export function View({ desk }: { readonly desk: Desk }) {
  const { path } = desk
  const customer = /^\/customers\/(\d+)$/.exec(path)?.[1]
  const ofCustomer = /^\/customers\/\d+\/invoice\/(INV-\d+)$/.exec(path)?.[1]
  const invoice = ofCustomer ?? /^\/invoices\/(INV-\d+)$/.exec(path)?.[1]
  if (path === '/customers') return <Customers desk={desk} />
  if (customer !== undefined) return <CustomerPage desk={desk} id={Number(customer)} />
  if (path === '/invoices') return <Invoices desk={desk} />
  if (path === '/invoices/new') return <NewInvoice desk={desk} />
  if (invoice !== undefined) return <InvoicePage desk={desk} no={invoice} />
  if (path === '/payments/new') return <NewPayment desk={desk} />
  return <Overview desk={desk} />
}

function Overview({ desk }: { readonly desk: Desk }) {
  const { customers, invoices } = desk.books
  const sum = (state: Invoice['state']) =>
    invoices.filter((invoice) => invoice.state === state).reduce((total, { amount }) => total + amount, 0)
  return (
    <>
      <h1>Overview</h1>
      <dl class="tiles">
        {(
          [
            ['Outstanding', money(sum('sent'))],
            ['Paid', money(sum('paid'))],
            ['In draft', money(sum('draft'))],
            ['Customers', String(customers.length)],
          ] as const
        ).map(([name, value]) => (
          <div class="tile" key={name}>
            <dt>{name}</dt>
            <dd>
              <b>{value}</b>
            </dd>
          </div>
        ))}
      </dl>
      <InvoiceTable desk={desk} invoices={invoices.slice(0, 4)} title="Latest invoices" />
    </>
  )
}

function Customers({ desk }: { readonly desk: Desk }) {
  const [search, setSearch] = useState('')
  const [name, setName] = useState('')
  const [city, setCity] = useState('')
  const found = desk.books.customers.filter((one) => one.name.toLowerCase().includes(search.toLowerCase()))
  const create = (event: Event): void => {
    event.preventDefault()
    const { books, customer } = withCustomer(desk.books, name, city)
    desk.save(books)
    desk.did('customer.create')
    desk.go(`/customers/${customer.id}`)
  }
  return (
    <>
      <div class="page-head">
        <h1>Customers</h1>
        <input
          type="search"
          placeholder="Search customers"
          aria-label="Search customers"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
          onChange={() => desk.did('search.use')}
        />
      </div>
      <section class="card">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>City</th>
              <th class="number">Number</th>
            </tr>
          </thead>
          <tbody>
            {found.map((customer) => (
              <tr key={customer.id}>
                <td>
                  <a href={`#/customers/${customer.id}`}>{customer.name}</a>
                </td>
                <td>{customer.city}</td>
                <td class="number">{customer.id}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <form class="card form" onSubmit={create}>
        <h2>New customer</h2>
        <label>
          <span>Name</span>
          <input
            required
            maxLength={60}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>City</span>
          <input
            required
            maxLength={40}
            value={city}
            onInput={(event) => setCity(event.currentTarget.value)}
          />
        </label>
        <button class="button primary">Create customer</button>
      </form>
    </>
  )
}

function CustomerPage({ desk, id }: { readonly desk: Desk; readonly id: number }) {
  const customer = customerOf(desk.books, id)
  if (!customer) return <Missing what="customer" />
  const invoices = desk.books.invoices.filter((one) => one.customer === id)
  return (
    <>
      <div>
        <h1>{customer.name}</h1>
        <p class="sub">
          {customer.city}, customer {customer.id}
        </p>
      </div>
      <InvoiceTable desk={desk} invoices={invoices} title="Invoices" within={`/customers/${id}/invoice`} />
    </>
  )
}

function Invoices({ desk }: { readonly desk: Desk }) {
  return (
    <>
      <div class="page-head">
        <h1>Invoices</h1>
        <a class="button primary" href="#/invoices/new">
          New invoice
        </a>
      </div>
      <InvoiceTable desk={desk} invoices={desk.books.invoices} title="All invoices" />
    </>
  )
}

interface InvoiceTableProps {
  readonly desk: Desk
  readonly invoices: readonly Invoice[]
  readonly title: string
  readonly within?: string
}

function InvoiceTable({ desk, invoices, title, within = '/invoices' }: InvoiceTableProps) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <table>
        <thead>
          <tr>
            <th>Number</th>
            <th>Customer</th>
            <th>State</th>
            <th class="number">Amount</th>
          </tr>
        </thead>
        <tbody>
          {invoices.map((invoice) => (
            <tr key={invoice.no}>
              <td>
                <a href={`#${within}/${invoice.no}`}>{invoice.no}</a>
              </td>
              <td>{customerOf(desk.books, invoice.customer)?.name}</td>
              <td>
                <State state={invoice.state} />
              </td>
              <td class="number">{money(invoice.amount)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {invoices.length === 0 && <p class="none">No invoices yet.</p>}
    </section>
  )
}

function State({ state }: { readonly state: Invoice['state'] }) {
  return <span class={`invoice-state ${state}`}>{state}</span>
}

function InvoicePage({ desk, no }: { readonly desk: Desk; readonly no: string }) {
  const invoice = desk.books.invoices.find((one) => one.no === no)
  if (!invoice) return <Missing what="invoice" />
  const send = (): void => {
    desk.save(withState(desk.books, no, 'sent'))
    desk.did('invoice.send')
  }
  return (
    <>
      <div class="page-head">
        <div>
          <h1>{no}</h1>
          <p class="sub">
            {customerOf(desk.books, invoice.customer)?.name} <State state={invoice.state} />
          </p>
        </div>
        <div class="tools">
          <button type="button" class="button" onClick={() => desk.did('invoice.print')}>
            Print
          </button>
          <button type="button" class="button primary" disabled={invoice.state !== 'draft'} onClick={send}>
            Send
          </button>
        </div>
      </div>
      <dl class="tiles">
        <div class="tile">
          <dt>Amount</dt>
          <dd>
            <b>{money(invoice.amount)}</b>
          </dd>
        </div>
      </dl>
    </>
  )
}

function NewInvoice({ desk }: { readonly desk: Desk }) {
  const [customer, setCustomer] = useState(desk.books.customers[0]?.id ?? 0)
  const [amount, setAmount] = useState('15000')
  const save = (event: Event): void => {
    event.preventDefault()
    const { books, invoice } = withInvoice(desk.books, customer, Number(amount))
    desk.save(books)
    desk.did('invoice.save')
    desk.go(`/customers/${customer}/invoice/${invoice.no}`)
  }
  return (
    <>
      <h1>New invoice</h1>
      <form class="card form" onSubmit={save}>
        <CustomerChoice desk={desk} value={customer} onChange={setCustomer} />
        <label>
          <span>Amount in rupees</span>
          <input
            type="number"
            required
            min={1}
            max={10_000_000}
            value={amount}
            onInput={(event) => setAmount(event.currentTarget.value)}
          />
        </label>
        <button class="button primary">Save invoice</button>
      </form>
    </>
  )
}

interface CustomerChoiceProps {
  readonly desk: Desk
  readonly value: number
  readonly onChange: (id: number) => void
}

function CustomerChoice({ desk, value, onChange }: CustomerChoiceProps) {
  return (
    <label>
      <span>Customer</span>
      <select value={value} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {desk.books.customers.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

function NewPayment({ desk }: { readonly desk: Desk }) {
  const open = desk.books.invoices.filter(({ state }) => state === 'sent')
  const [chosen, setChosen] = useState('')
  const no = open.some((invoice) => invoice.no === chosen) ? chosen : (open[0]?.no ?? '')
  const record = (event: Event): void => {
    event.preventDefault()
    desk.save(withState(desk.books, no, 'paid'))
    desk.did('payment.record')
  }
  if (open.length === 0) {
    return (
      <>
        <h1>Record payment</h1>
        <p class="card none">Every invoice that was sent is paid.</p>
      </>
    )
  }
  return (
    <>
      <h1>Record payment</h1>
      <form class="card form" onSubmit={record}>
        <label>
          <span>Invoice</span>
          <select value={no} onChange={(event) => setChosen(event.currentTarget.value)}>
            {open.map((invoice) => (
              <option key={invoice.no} value={invoice.no}>
                {invoice.no}, {customerOf(desk.books, invoice.customer)?.name}, {money(invoice.amount)}
              </option>
            ))}
          </select>
        </label>
        <button class="button primary">Record payment</button>
      </form>
    </>
  )
}

function Missing({ what }: { readonly what: string }) {
  return (
    <div>
      <h1>There is no such {what}</h1>
      <p class="sub">
        <a href="#/dashboard">Back to the overview</a>
      </p>
    </div>
  )
}
