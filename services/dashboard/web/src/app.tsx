/** The shell: who is reading, what there is to read, and the page that is open. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { openApi, type Api, type CatalogueEntry, type StatisticAnswer } from './api.js'
import { label } from './format.js'
import { LedgerPage } from './ledger-page.js'
import { Empty, Failed, Loading, useLoaded } from './load.js'
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

const addressOf = (entry: CatalogueEntry): string =>
  `#/statistics/${[entry.realm, entry.site, entry.id].map(encodeURIComponent).join('/')}`

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
  const home = useHome(api, entries)
  const current = address.length > 2 || !home ? address : addressOf(home)
  const opening = catalogue.state === 'loading' || (entries.length > 0 && current.length <= 2)
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
        {opening && <Loading />}
        {catalogue.state === 'failed' && <Failed error={catalogue.error} retry={catalogue.retry} />}
        {catalogue.state === 'ready' && !opening && <Page api={api} entries={entries} current={current} />}
      </main>
    </div>
  )
}

/** What opens first: the first statistic of real data, or of sample data while there is nothing real to see. */
function useHome(api: Api, entries: readonly CatalogueEntry[]): CatalogueEntry | undefined {
  const firsts = entries.filter(({ realm }, at) => entries.findIndex((one) => one.realm === realm) === at)
  const chosen = useLoaded(firsts.map(addressOf).join(' '), async () => {
    for (const { id, realm, site } of firsts.length > 1 ? firsts : []) {
      const answer = await api.json<StatisticAnswer>(`statistics/${encodeURIComponent(id)}`, { realm, site })
      if (answer.rows.length > 0) return realm
    }
    return firsts[0]?.realm
  })
  if (chosen.state === 'loading') return undefined
  return firsts.find(({ realm }) => chosen.state === 'ready' && realm === chosen.value) ?? firsts[0]
}

/** The address is the page's, so the link moves the focus itself. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

interface NavigationProps {
  readonly entries: readonly CatalogueEntry[]
  readonly current: string
  readonly reviews: boolean
}

function Navigation({ entries, current, reviews }: NavigationProps) {
  const groups = [...new Set(entries.map(({ realm, site }) => `${realm}\n${site}`))].map((group) =>
    entries.filter(({ realm, site }) => `${realm}\n${site}` === group),
  )
  const realms = [...new Map(entries.map(({ realm, sample }) => [realm, sample]))]
  const link = (href: string, text: string) => (
    <li key={href}>
      <a href={href} aria-current={href === current ? 'page' : undefined}>
        {text}
      </a>
    </li>
  )
  return (
    <nav aria-label="Statistics and reviews">
      {groups.map((group) => (
        <div key={addressOf(group[0] as CatalogueEntry)}>
          <h2>
            {group[0]?.site} {group[0]?.sample && <b class="badge">Sample</b>}
          </h2>
          <ul>{group.map((entry) => link(addressOf(entry), entry.title))}</ul>
        </div>
      ))}
      {reviews && (
        <div>
          <h2>Privacy desk</h2>
          <ul>
            {realms.flatMap(([realm, sample]) => {
              const suffix = sample && realms.length > 1 ? ' (sample)' : ''
              return [
                link(`#/ledger/${realm}`, `Ledger${suffix}`),
                link(`#/rules/${realm}`, `Rules${suffix}`),
              ]
            })}
          </ul>
        </div>
      )}
    </nav>
  )
}

interface PageProps {
  readonly api: Api
  readonly entries: readonly CatalogueEntry[]
  readonly current: string
}

function Page({ api, entries, current }: PageProps) {
  const entry = entries.find((one) => addressOf(one) === current)
  const [, view, realm] = /^#\/(ledger|rules)\/(main|sample)$/.exec(current) ?? []
  useEffect(() => {
    document.title = `${entry?.title ?? (view ? label(view) : 'Tacit')} · Tacit`
  }, [current])
  if (entry) return <StatisticPage key={current} api={api} entry={entry} />
  if (view === 'ledger' && realm) return <LedgerPage key={current} api={api} realm={realm} />
  if (view === 'rules' && realm) return <RulesPage key={current} api={api} realm={realm} />
  if (entries.length === 0) {
    return (
      <Empty title="No statistics are declared">
        The rulebook declares what may be published. Add one there.
      </Empty>
    )
  }
  return <Empty title="There is no such page">Choose a statistic from the list.</Empty>
}
