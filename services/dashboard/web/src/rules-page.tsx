/** The rules in force, as they were written. */
import { useState } from 'preact/hooks'
import type { Api, RulebookAnswer } from './api.js'
import { dayName } from './format.js'
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
