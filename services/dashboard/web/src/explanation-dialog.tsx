/** Why declared values of one window are not published, by class, for the privacy role. */
import type { Api, CatalogueEntry, ExplanationAnswer } from './api.js'
import { Values } from './cell-dialog.js'
import { Dialog } from './dialog.js'
import { count, label, windowName } from './format.js'
import { Failed, Loading, useLoaded } from './load.js'

export interface ExplanationDialogProps {
  readonly api: Api
  readonly entry: CatalogueEntry
  readonly window: string
  /** RFC 3339 */
  readonly start: string
  readonly onClose: () => void
}

export function ExplanationDialog({ api, entry, onClose, start, window }: ExplanationDialogProps) {
  const loaded = useLoaded(start, () =>
    api.json<ExplanationAnswer>(`explanations/${encodeURIComponent(entry.id)}`, {
      window,
      window_start: start,
      realm: entry.realm,
      site: entry.site,
    }),
  )
  return (
    <Dialog title="Why values are not published" onClose={onClose}>
      <p class="sub">
        {entry.title}, {windowName(start, window)}. Every sentence follows from published numbers and the
        rules alone; none says which rule it was.
      </p>
      {loaded.state === 'loading' && <Loading />}
      {loaded.state === 'failed' && <Failed error={loaded.error} retry={loaded.retry} />}
      {loaded.state === 'ready' && <Classes answer={loaded.value} />}
    </Dialog>
  )
}

const levelName = (level: readonly string[]): string =>
  level.map((name) => label(name)).join(' · ') || 'In all'

function Classes({ answer }: { readonly answer: ExplanationAnswer }) {
  const { classes, unlisted } = answer
  if (classes.length === 0 && unlisted.length === 0)
    return <p>Every declared value of this window is published.</p>
  return (
    <dl class="classes">
      {classes.map(({ cells, level, rule, values, words }) => (
        <div key={`${level.join()} ${rule}`}>
          <dt>
            {levelName(level)} <b>{count(cells)}</b>
          </dt>
          <dd>
            <p>{words}</p>
            <Values values={values} more={cells - values.length} />
          </dd>
        </div>
      ))}
      {unlisted.map(({ level, words }) => (
        <div key={level.join()}>
          <dt>{levelName(level)}</dt>
          <dd>
            <p>{words}</p>
          </dd>
        </div>
      ))}
    </dl>
  )
}
