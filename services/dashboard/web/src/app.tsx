/** The shell: who is reading, what there is to read, and the page that is open. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { openApi, type Api, type CatalogueEntry } from './api.js'
import { label } from './format.js'
import { KeysPage } from './keys-page.js'
import { LedgerPage } from './ledger-page.js'
import { Empty, Failed, Loading, useLoaded } from './load.js'
import { addressOf, Navigation } from './navigation.js'
import { RulesPage } from './rules-page.js'
import { endSession, type Session } from './session.js'
import { StatisticPage } from './statistic-page.js'

export function App({ session }: { readonly session: Session | null }) {
  const [signedIn, setSignedIn] = useState(session)
  if (signedIn === null) return <SignIn />
  const leave = (): void => {
    endSession()
    setSignedIn(null)
  }
  return <Reading session={signedIn} onLeave={leave} />
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--brand)" />
      <g fill="#fff">
        <circle cx="9.5" cy="11" r="2.6" />
        <circle cx="16" cy="11" r="2.6" />
        <circle cx="22.5" cy="11" r="2.6" />
        <circle cx="16" cy="16.8" r="2.6" />
        <circle cx="16" cy="22.6" r="2.6" />
      </g>
    </svg>
  )
}

function SignIn() {
  return (
    <main class="sign-in">
      <div class="card">
        <Mark />
        <h1>Tacit</h1>
        <p>Usage statistics that nobody can trace back to a person.</p>
        <h2>You are not signed in</h2>
        <p>
          Open the sign-in link that <code>npm start</code> printed. If it is lost or too old, make a token
          and open this page with it:
        </p>
        <pre>
          npx tacit token --role product{'\n'}
          {location.origin}/#token=…
        </pre>
      </div>
    </main>
  )
}

function useAddress(): string {
  const [address, setAddress] = useState(location.hash)
  useEffect(() => {
    const change = (): void => setAddress(location.hash)
    addEventListener('hashchange', change)
    return () => removeEventListener('hashchange', change)
  }, [])
  return address
}

function Reading({ session, onLeave }: { readonly session: Session; readonly onLeave: () => void }) {
  const api = useMemo(() => openApi(session.token), [session])
  const catalogue = useLoaded('catalogue', () => api.json<readonly CatalogueEntry[]>('statistics'))
  const address = useAddress()
  const refused = catalogue.state === 'failed' && catalogue.error.status === 401
  useEffect(() => {
    if (refused) onLeave()
  }, [refused])
  const entries = catalogue.state === 'ready' ? catalogue.value : []
  const home = homeOf(entries)
  const current = address.length > 2 || !home ? address : addressOf(home)
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the page
      </a>
      <header>
        <a class="brand" href="#/">
          <Mark />
          <span>Tacit</span>
        </a>
        {entries.some(({ sample }) => sample) && entries.every(({ sample }) => sample) && (
          <b class="badge">Sample data</b>
        )}
        <span class="who">
          <span class="role">{label(session.role)}</span>
          <button type="button" class="link" onClick={onLeave}>
            Sign out
          </button>
        </span>
      </header>
      <Navigation entries={entries} current={current} reviews={session.role !== 'product'} />
      <main id="main" tabIndex={-1}>
        {catalogue.state === 'loading' && <Loading />}
        {catalogue.state === 'failed' && <Failed error={catalogue.error} retry={catalogue.retry} />}
        {catalogue.state === 'ready' && (
          <Page api={api} entries={entries} current={current} reviews={session.role !== 'product'} />
        )}
      </main>
    </div>
  )
}

/** What opens first: a statistic of real data, or of sample data while there is nothing real to see. The number of now is none. */
function homeOf(entries: readonly CatalogueEntry[]): CatalogueEntry | undefined {
  return entries.find(({ latest, shape }) => latest !== null && shape !== 'live') ?? entries[0]
}

/** The address is the page's, so the link moves the focus itself. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

interface PageProps {
  readonly api: Api
  readonly entries: readonly CatalogueEntry[]
  readonly current: string
  /** whether the reader may see the privacy desk */
  readonly reviews: boolean
}

function Page({ api, entries, current, reviews }: PageProps) {
  const entry = entries.find((one) => addressOf(one) === current)
  const [, view, realm] = /^#\/(ledger|rules|keys)\/(main|sample)$/.exec(current) ?? []
  useEffect(() => {
    document.title = `${entry?.title ?? (view ? label(view) : 'Tacit')} · Tacit`
  }, [current])
  if (entry) return <StatisticPage key={current} api={api} entry={entry} reviews={reviews} />
  if (view === 'ledger' && realm) return <LedgerPage key={current} api={api} realm={realm} />
  if (view === 'rules' && realm) return <RulesPage key={current} api={api} realm={realm} />
  if (view === 'keys' && realm) return <KeysPage key={current} api={api} realm={realm} />
  if (entries.length === 0) {
    return (
      <Empty title="No statistics are declared">
        The rulebook declares what may be published. Add one there.
      </Empty>
    )
  }
  return <Empty title="There is no such page">Choose a statistic from the list.</Empty>
}
