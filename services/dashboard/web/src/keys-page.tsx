/** Keys and evidence: which keys there were, when each was destroyed, and the signed log that proves it. */
import { useMemo, useState } from 'preact/hooks'
import { entryWords } from '../../src/audit-words.js'
import type { Api, AuditEntriesAnswer, AuditHeadAnswer, KeyRow, KeysAnswer } from './api.js'
import { count, momentName, shortMoment } from './format.js'
import { HourStrip, KeyTimeline } from './key-timeline.js'
import { Empty, Failed, Loading, SampleNotice, Tile, useLoaded } from './load.js'
import { ShowMore } from './show-more.js'

const PAGE = 14
const LAST_ENTRIES = '15'

interface PageProps {
  readonly api: Api
  readonly realm: string
}

export function KeysPage({ api, realm }: PageProps) {
  const loaded = useLoaded(realm, () => api.json<KeysAnswer>('keys', { realm }))
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <Failed error={loaded.error} retry={loaded.retry} />
  const { keys, sample } = loaded.value
  return (
    <>
      {sample && <SampleNotice />}
      <div class="page-head">
        <div>
          <h1>Keys and evidence</h1>
          <p class="sub">A pseudonym lasts as long as its key. This is how each key ended, and the proof.</p>
        </div>
      </div>
      {keys.length === 0 ? (
        <Empty title="No key was made yet">Keys are made when the first beacon comes.</Empty>
      ) : (
        <KeysView keys={keys} />
      )}
      <Head api={api} realm={realm} />
      <Entries api={api} realm={realm} />
    </>
  )
}

const isOverdue = ({ destroyed, due }: KeyRow, now: number): boolean =>
  destroyed === null && due !== null && Date.parse(due) < now

function KeysView({ keys }: { readonly keys: readonly KeyRow[] }) {
  const now = Date.now()
  const epochs = useMemo(
    () => keys.filter(({ stream }) => stream === 'day' || stream === 'week' || stream === 'month'),
    [keys],
  )
  const hours = useMemo(() => keys.filter(({ stream }) => stream === 'hour'), [keys])
  const scopes = keys.filter(({ stream }) => stream === 'tenant' || stream === 'site')
  const living = (some: readonly KeyRow[]): number =>
    some.filter(({ destroyed }) => destroyed === null).length
  const overdue = keys.filter((key) => isOverdue(key, now)).length
  const unbalanced = keys.filter(
    ({ destroyed, reconciled }) => reconciled === false && destroyed !== null,
  ).length
  return (
    <>
      <dl class="tiles">
        <Tile
          name="Days, weeks, months"
          value={`${count(living(epochs))} living`}
          note={`${count(epochs.length - living(epochs))} destroyed`}
        />
        <Tile
          name="Log hours"
          value={`${count(living(hours))} living`}
          note={`${count(hours.length - living(hours))} destroyed`}
        />
        <Tile
          name="Customers and sites"
          value={`${count(living(scopes))} living`}
          note={`${count(scopes.length - living(scopes))} destroyed`}
        />
        <Tile
          name="Past their deadline"
          value={count(overdue)}
          note={overdue === 0 ? 'no key lives beyond it' : 'tell the operator'}
        />
      </dl>
      <section class="card" aria-labelledby="lives">
        <div class="card-head">
          <h2 id="lives">Lives of keys</h2>
        </div>
        <KeyTimeline keys={epochs} now={now} />
        <HourStrip hours={hours} />
        {unbalanced > 0 && (
          <p class="balance off">
            Of {count(unbalanced)} of them the counts did not add up when they died.{' '}
            <code>npx tacit keys</code> says which.
          </p>
        )}
      </section>
      <KeyTable keys={[...epochs, ...scopes]} now={now} />
    </>
  )
}

function KeyTable({ keys, now }: { readonly keys: readonly KeyRow[]; readonly now: number }) {
  const [limit, setLimit] = useState(PAGE)
  const newestFirst = keys.toSorted((a, b) => b.entries.created - a.entries.created)
  return (
    <section class="card" aria-label="Table">
      <div class="card-head">
        <h2>Every key but those of hours</h2>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Keys">
        <table>
          <thead>
            <tr>
              {[
                'Key',
                'Made (UTC)',
                'Destroyed (UTC)',
                'Counts add up',
                'Keys given to',
                'Audit entries',
              ].map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {newestFirst.slice(0, limit).map((key) => (
              <KeyLine key={key.id} row={key} overdue={isOverdue(key, now)} />
            ))}
          </tbody>
        </table>
      </div>
      <ShowMore left={newestFirst.length - limit} onMore={() => setLimit(limit + 4 * PAGE)} />
    </section>
  )
}

/** Of a tenant's or site's name the beginning: it tells nobody whose it is, and the rest tells no more. */
const shortId = (id: string): string => id.replace(/^((?:tenant|site):[0-9a-f]{8})[0-9a-f]+$/, '$1…')

function KeyLine({ overdue, row }: { readonly row: KeyRow; readonly overdue: boolean }) {
  const { created, destroyed, due, entries, handed_to: handedTo, id, reconciled, unsigned } = row
  return (
    <tr>
      <td class="nowrap" title={id}>
        {shortId(id)}
      </td>
      <td class="nowrap">{shortMoment(created)}</td>
      <td class="nowrap">
        {destroyed !== null ? (
          shortMoment(destroyed)
        ) : (
          <em class={overdue ? 'overdue' : 'living'}>
            lives{due === null ? '' : `, until ${shortMoment(due)}`}
            {overdue && ' (overdue)'}
          </em>
        )}
      </td>
      <td>{reconciled === null ? '–' : reconciled ? 'yes' : 'no'}</td>
      <td>{handedTo.join(', ') || 'nobody'}</td>
      <td>
        #{count(entries.created)}
        {entries.destroyed !== null && `, #${count(entries.destroyed)}`}
        {unsigned && ' (not signed yet)'}
      </td>
    </tr>
  )
}

/** The newest signed head: what somebody else should keep. */
function Head({ api, realm }: PageProps) {
  const loaded = useLoaded(realm, () => api.json<AuditHeadAnswer>('audit/head', { realm }))
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <Failed error={loaded.error} retry={loaded.retry} />
  const { head, public_key: publicKey } = loaded.value
  return (
    <section class="card" aria-labelledby="head">
      <div class="card-head">
        <h2 id="head">Newest signed head</h2>
        {head !== null && <CopyButton name="Copy the head" text={JSON.stringify(head)} />}
      </div>
      {head === null ? (
        <p>None is signed yet: the first one follows the first entry.</p>
      ) : (
        <>
          <p>
            {count(head.size)} entries, signed <time dateTime={head.time}>{momentName(head.time)}</time>. Keep
            it where nobody who runs Tacit can write: what it covers cannot be changed or dropped unnoticed
            any more.
          </p>
          <pre tabIndex={0} aria-label="The head as a document">
            {JSON.stringify(head, null, 2)}
          </pre>
          <details>
            <summary>The public key that verifies it</summary>
            <pre tabIndex={0}>{publicKey}</pre>
            <CopyButton name="Copy the key" text={publicKey} />
          </details>
          <p class="sub">
            Check it with Node alone: <code>npx tacit audit script</code> writes the one file that an auditor
            needs.
          </p>
        </>
      )}
    </section>
  )
}

function CopyButton({ name, text }: { readonly name: string; readonly text: string }) {
  const [said, setSaid] = useState('')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      // Browsers refuse it outside of https and localhost: the text stands there to be selected.
      setSaid('Select the text and copy it')
    }
  }
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      <span aria-live="polite">{said || name}</span>
    </button>
  )
}

/** The last lines of the log, in words; the newest first, as one reads them. */
function Entries({ api, realm }: PageProps) {
  const loaded = useLoaded(realm, () =>
    api.json<AuditEntriesAnswer>('audit/entries', { realm, limit: LAST_ENTRIES }),
  )
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <Failed error={loaded.error} retry={loaded.retry} />
  const entries = loaded.value.entries.toReversed()
  return (
    <section class="card" aria-labelledby="entries">
      <div class="card-head">
        <h2 id="entries">What the audit log says last (UTC)</h2>
      </div>
      {entries.length === 0 ? (
        <p>Nothing yet.</p>
      ) : (
        <ol class="entries" reversed start={entries[0]?.seq ?? 1}>
          {entries.map((entry) => (
            <li key={entry.seq} value={entry.seq}>
              <div>
                <time dateTime={entry.time}>{shortMoment(entry.time)}</time>
                <span>
                  {entryWords(entry)} <small>by {entry.actor}</small>
                </span>
              </div>
            </li>
          ))}
        </ol>
      )}
      <p class="sub">
        All of it: <code>npx tacit audit log</code>
      </p>
    </section>
  )
}
