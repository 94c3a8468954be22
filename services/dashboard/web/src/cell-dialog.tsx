/** How one published number came about, for the privacy role. */
import type { Api, AnswerRow, CatalogueEntry, CellAnswer } from './api.js'
import { dimensionsOf } from './desk.js'
import { Dialog } from './dialog.js'
import { count, label, windowName } from './format.js'
import { Failed, Loading, useLoaded } from './load.js'

export interface CellDialogProps {
  readonly api: Api
  readonly entry: CatalogueEntry
  readonly window: string
  readonly drill: string
  readonly row: AnswerRow
  readonly onClose: () => void
}

export function CellDialog({ api, drill, entry, onClose, row, window }: CellDialogProps) {
  const start = String(row['window_start'])
  const dims = dimensionsOf(entry, drill).map((name) => String(row[name] ?? ''))
  const loaded = useLoaded(JSON.stringify([start, dims]), () =>
    api.json<CellAnswer>(`cells/${encodeURIComponent(entry.id)}`, {
      window,
      window_start: start,
      dims: JSON.stringify(dims),
      realm: entry.realm,
      site: entry.site,
    }),
  )
  return (
    <Dialog title="How this number came about" onClose={onClose}>
      <p class="sub">
        {entry.title}, {windowName(start, window)}: <b>{dims.join(' · ') || 'in all'}</b>
      </p>
      {loaded.state === 'loading' && <Loading />}
      {loaded.state === 'failed' && <Failed error={loaded.error} retry={loaded.retry} />}
      {loaded.state === 'ready' && <Story story={loaded.value} />}
    </Dialog>
  )
}

function Story({ story }: { readonly story: CellAnswer }) {
  const { block, cell, manifest, measures, proof, rulebook, thresholds } = story
  return (
    <>
      <dl class="facts">
        {Object.entries(cell).map(([name, value]) => (
          <div key={name}>
            <dt>{name === 'floor' ? 'In steps of' : label(name)}</dt>
            <dd>{count(value)}</dd>
          </div>
        ))}
      </dl>
      <h3>What it covers</h3>
      <p>{block.words}</p>
      <Values values={block.covers} more={block.more} />
      <h3>What it passed</h3>
      <p>By the rules {rulebook.version}, whose hash it carries:</p>
      <ul class="dots">
        {thresholds.map(({ rule, words }) => (
          <li key={rule}>{words}</li>
        ))}
        {measures.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      <h3>Where it is on record</h3>
      {manifest === null ? (
        <p>The manifest of this window is not kept here any more.</p>
      ) : (
        <>
          <p>It was committed, once and before anybody could read it, in this manifest:</p>
          <pre tabIndex={0}>{`${manifest.id}\nSHA-256 ${manifest.hash}\n${manifest.cell ?? ''}`}</pre>
        </>
      )}
      <Proof proof={proof} hash={rulebook.hash} />
    </>
  )
}

function Proof({ hash, proof }: { readonly proof: CellAnswer['proof']; readonly hash: string }) {
  if (proof === null) return <p>No signed head of the audit log covers it yet; one is signed every hour.</p>
  const { head, inclusion } = proof
  return (
    <>
      <p>
        The manifest’s hash stands in entry {count(inclusion.seq)} of the audit log, under the rules{' '}
        {hash.slice(0, 12)}; the head over {count(head.size)} entries that was signed at {head.time} proves
        it.
      </p>
      <details>
        <summary>The proof, for tacit audit verify</summary>
        <pre tabIndex={0}>{JSON.stringify(inclusion, null, 2)}</pre>
        <pre tabIndex={0}>{JSON.stringify(head, null, 2)}</pre>
      </details>
    </>
  )
}

export interface ValuesProps {
  readonly values: readonly (readonly string[])[] | null
  /** so many beyond those */
  readonly more: number
}

/** Declared values as a list that can be opened where it is long. */
export function Values({ values, more }: ValuesProps) {
  if (values === null || values.length === 0) return null
  const total = values.length + more
  const list = (
    <ul class="values">
      {values.map((dims) => (
        <li key={dims.join('\n')}>{dims.join(' · ') || 'in all'}</li>
      ))}
      {more > 0 && <li>and {count(more)} more</li>}
    </ul>
  )
  if (total <= 8) return list
  return (
    <details>
      <summary>{count(total)} values</summary>
      {list}
    </details>
  )
}
