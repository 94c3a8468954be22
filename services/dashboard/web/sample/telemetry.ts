/** The page's way to Tacit: a token from its own server, the SDK, and a record of what was sent for the side panel. */
import { createBeacon, type BeaconClient } from '@tacit/beacon'

export type Consent = 'granted' | 'denied'

export interface SentBeacon {
  readonly key: number
  readonly at: Date
  /** the body as sent, the token shortened */
  readonly body: string
  readonly names: readonly string[]
  /** HTTP status; null while the answer is awaited, 0 where there was none */
  readonly status: number | null
}

interface SampleToken {
  readonly token: string
  readonly site: string
  readonly policy: string
  readonly collectorUrl: string
}

/** Ask for a new token a minute before an ERP's usual quarter of an hour is over. */
const TOKEN_MS = 14 * 60_000
const KEPT = 20

interface HeldToken {
  readonly token: string
  readonly consent: Consent
  readonly until: number
}

async function fetchToken(consent: Consent): Promise<SampleToken> {
  const answer = await fetch(`/sample/token?consent=${consent}`, { credentials: 'omit', cache: 'no-store' })
  if (!answer.ok) throw new Error('no token')
  return (await answer.json()) as SampleToken
}

/**
 * Connects to the collector that the server names.
 * @param consent the choice as it is now; a token says one choice, so another choice takes another token
 * @throws Error where the server gives no token
 */
export async function connect(
  consent: () => Consent,
  onSent: (sent: readonly SentBeacon[]) => void,
): Promise<BeaconClient> {
  const asked = consent()
  const first = await fetchToken(asked)
  let held: HeldToken = { token: first.token, consent: asked, until: Date.now() + TOKEN_MS }
  let sent: readonly SentBeacon[] = []
  let next = 0

  const show = (beacon: SentBeacon): void => {
    sent = [beacon, ...sent.filter(({ key }) => key !== beacon.key)]
      .sort((a, b) => b.key - a.key)
      .slice(0, KEPT)
    onSent(sent)
  }

  const watchedFetch = async (url: string, init: RequestInit): Promise<Response> => {
    const beacon = describe(next++, String(init.body))
    show(beacon)
    try {
      const answer = await fetch(url, init)
      show({ ...beacon, status: answer.status })
      return answer
    } catch (error) {
      show({ ...beacon, status: 0 })
      throw error
    }
  }

  const token = async (): Promise<string> => {
    const choice = consent()
    let own = held
    if (own.consent !== choice || own.until <= Date.now()) {
      own = { token: (await fetchToken(choice)).token, consent: choice, until: Date.now() + TOKEN_MS }
      held = own
    }
    // the choice may have changed while the server was asked
    return consent() === choice ? own.token : token()
  }

  return createBeacon({
    url: `${first.collectorUrl}/v1/beacon`,
    site: first.site,
    flushEveryMs: 800,
    environment: { fetch: watchedFetch },
    token,
  })
}

function describe(key: number, text: string): SentBeacon {
  const body = JSON.parse(text) as { token?: string; events: { name: string }[] }
  const short = { ...body, ...(body.token ? { token: `${body.token.slice(0, 12)}…` } : undefined) }
  return {
    key,
    at: new Date(),
    body: JSON.stringify(short, null, 2),
    names: body.events.map(({ name }) => name),
    status: null,
  }
}
