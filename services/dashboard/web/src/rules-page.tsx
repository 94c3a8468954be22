/** The rules in force, as they were written, and whether what is stored keeps to them. */
import { useState } from 'preact/hooks'
import type { Api, CheckResult, ChecksAnswer, RulebookAnswer } from './api.js'
import { dayName, momentName } from './format.js'
import { Failed, Loading, SampleNotice, Tile, useLoaded } from './load.js'

export function RulesPage({ api, realm }: { readonly api: Api; readonly realm: string }) {
  const loaded = useLoaded(realm, () => api.json<RulebookAnswer>('rulebook', { realm }))
  const [file, setFile] = useState('rulebook.yaml')
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <Failed error={loaded.error} retry={loaded.retry} />
  const rules = loaded.value
  const files = Object.keys(rules.sources)
  const shown = files.includes(file) ? file : (files[0] ?? '')
  return (
    <>
      {rules.sample && <SampleNotice />}
      <div class="page-head">
        <div>
          <h1>Rules</h1>
          <p class="sub">What may be kept and published. Nothing else is.</p>
        </div>
      </div>
      <dl class="tiles">
        <Tile name="Rulebook" value={rules.name} note={`version ${rules.version}`} />
        <Tile name="Privacy policy" value={rules.policy.version} note="that it serves" />
        <Tile name="In force" value={dayName(rules.effective)} note={`until ${dayName(rules.expires)}`} />
        <Tile name="Hash" value={rules.hash.slice(0, 12)} note="stands on every published value" />
      </dl>
      <Checks api={api} realm={realm} />
      <section class="card" aria-label="Text of the rules">
        <div class="card-head">
          <h2>As written</h2>
          <div class="segments" role="group" aria-label="File">
            {files.map((name) => (
              <button type="button" key={name} aria-pressed={name === shown} onClick={() => setFile(name)}>
                {name}
              </button>
            ))}
          </div>
        </div>
        <pre tabIndex={0}>{rules.sources[shown] ?? ''}</pre>
      </section>
    </>
  )
}

/** What the checks of stored data found when they last ran. */
function Checks({ api, realm }: { readonly api: Api; readonly realm: string }) {
  const loaded = useLoaded(realm, () => api.json<ChecksAnswer>('checks', { realm }))
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <Failed error={loaded.error} retry={loaded.retry} />
  const { checks } = loaded.value
  return (
    <section class="card" aria-labelledby="checks">
      <div class="card-head">
        <h2 id="checks">Checks</h2>
      </div>
      {checks.length === 0 ? (
        <p>None has run yet. They run once an hour, and at the end of an import.</p>
      ) : (
        <ul class="checks">
          {checks.map((check) => (
            <Check key={check.id} check={check} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Check({ check: { at, findings, id, ok, title } }: { readonly check: CheckResult }) {
  return (
    <li>
      <p class={ok ? 'balance' : 'balance off'}>
        <strong>{ok ? 'Holds' : 'Failed'}:</strong> {title}
      </p>
      {findings.length > 0 && (
        <ul>
          {findings.map((finding) => (
            <li key={finding}>{finding}</li>
          ))}
        </ul>
      )}
      <p class="sub">
        {id}, last run <time dateTime={at}>{momentName(at)}</time>
      </p>
    </li>
  )
}
