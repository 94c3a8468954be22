/** The sample ERP: a small invoice application beside a panel that shows what it tells Tacit. */
import type { BeaconClient } from '@tacit/beacon'
import { useEffect, useRef, useState } from 'preact/hooks'
import { firstBooks, type Books } from './books.js'
import { Panel } from './panel.js'
import { connect, type Consent, type SentBeacon } from './telemetry.js'
import { View } from './views.js'

/** What a view of the ERP may do. */
export interface Desk {
  readonly books: Books
  readonly path: string
  go(path: string): void
  save(books: Books): void
  /** tells Tacit that a feature was used */
  did(name: string): void
}

const LINKS: readonly (readonly [string, string])[] = [
  ['/dashboard', 'Overview'],
  ['/customers', 'Customers'],
  ['/invoices', 'Invoices'],
  ['/payments/new', 'Record payment'],
]

const pathNow = (): string => (location.hash.startsWith('#/') ? location.hash.slice(1) : '/dashboard')

export function Erp() {
  const [books, setBooks] = useState(firstBooks)
  const [path, setPath] = useState(pathNow())
  const [consent, setConsent] = useState<Consent>('granted')
  const [sent, setSent] = useState<readonly SentBeacon[]>([])
  const [failed, setFailed] = useState(false)
  const telemetry = useRef<BeaconClient | null>(null)
  const choice = useRef(consent)
  const opened = useRef(path)

  useEffect(() => {
    const start = async (): Promise<void> => {
      try {
        const connected = await connect(() => choice.current, setSent)
        telemetry.current = connected
        connected.event('app_start', { app_version: '8.3.0' })
        connected.pageView(opened.current, { visit_start: true })
        connected.event('page_load', { load_ms: Math.round(performance.now()) })
      } catch {
        setFailed(true)
      }
    }
    void start()
    const change = (): void => {
      opened.current = pathNow()
      setPath(opened.current)
      telemetry.current?.pageView(opened.current)
    }
    addEventListener('hashchange', change)
    return () => removeEventListener('hashchange', change)
  }, [])

  const choose = (next: Consent): void => {
    // what was done before the choice goes under the choice it was done under
    void telemetry.current?.flush()
    choice.current = next
    setConsent(next)
  }
  const desk: Desk = {
    books,
    path,
    go: (to) => {
      location.hash = to
    },
    save: setBooks,
    did: (name) => telemetry.current?.event(name),
  }

  return (
    <div class="erp">
      <p class="strip">
        <b>Sample.</b> A made-up ERP that sends real beacons to this machine's Tacit.{' '}
        <a href="/">Back to the dashboard</a>
      </p>
      <header>
        <a class="brand" href="#/dashboard">
          <span class="mark" aria-hidden="true">
            L
          </span>
          Ledgerly
        </a>
        <nav aria-label="ERP">
          {LINKS.map(([to, text]) => (
            <a key={to} href={`#${to}`} aria-current={path === to ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
      </header>
      <main>
        <View desk={desk} />
      </main>
      <Panel
        sent={sent}
        failed={failed}
        consent={consent}
        onConsent={choose}
        onError={() => desk.did('app_error')}
      />
    </div>
  )
}
