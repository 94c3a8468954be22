/** The side panel: the consent switch, what was just sent, and the answer. */
import type { Consent, SentBeacon } from './telemetry.js'

export interface PanelProps {
  readonly sent: readonly SentBeacon[]
  readonly failed: boolean
  readonly consent: Consent
  readonly onConsent: (consent: Consent) => void
  readonly onError: () => void
}

export function Panel({ sent, failed, consent, onConsent, onError }: PanelProps) {
  const refuses =
    (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true ||
    navigator.doNotTrack === '1'
  return (
    <aside class="panel" aria-label="What Tacit is told">
      <h2>What Tacit is told</h2>
      <fieldset>
        <legend>This person's choice on usage statistics</legend>
        <div class="segments">
          {(['granted', 'denied'] as const).map((value) => (
            <button
              type="button"
              key={value}
              aria-pressed={consent === value}
              onClick={() => onConsent(value)}
            >
              {value === 'granted' ? 'Agrees' : 'Refuses'}
            </button>
          ))}
        </div>
        <p>
          {consent === 'granted'
            ? "The ERP's token says: granted. Events are counted."
            : "The ERP's token says: denied. Events are dropped in memory, and the answer stays the same."}
        </p>
      </fieldset>
      <button type="button" class="button" onClick={onError}>
        Report an error
      </button>
      {refuses && (
        <p role="status" class="note">
          This browser asks not to be tracked (GPC or DNT), so the SDK sends nothing at all.
        </p>
      )}
      {failed && (
        <p role="alert" class="note">
          No sample token could be fetched. Is Tacit running with <code>--sample</code>? Reload to try again.
        </p>
      )}
      <h3>Just sent</h3>
      {sent.length === 0 && !failed && <p class="note">Nothing yet. Click around; events travel together.</p>}
      <ol aria-live="polite">
        {sent.map((beacon, at) => (
          <li key={beacon.key}>
            <details open={at === 0}>
              <summary>
                <time>{beacon.at.toLocaleTimeString('en-GB')}</time>
                <span class="names">{beacon.names.join(', ')}</span>
                <Answer status={beacon.status} />
              </summary>
              <pre tabIndex={0}>{beacon.body}</pre>
            </details>
          </li>
        ))}
      </ol>
      <p class="note">
        Ids in addresses, the network address and the person's id never leave the collector's memory. 204 is
        the answer to counted and dropped events alike, so nobody can probe a choice.
      </p>
    </aside>
  )
}

function Answer({ status }: { readonly status: number | null }) {
  if (status === null) return <b class="answer">…</b>
  if (status === 0) return <b class="answer bad">no answer</b>
  return <b class={status === 204 ? 'answer good' : 'answer bad'}>{status}</b>
}
