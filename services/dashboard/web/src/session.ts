/** Signing in by link: `/#token=…`. The token stays in this tab and leaves the address bar at once. */
const KEY = 'tacit.token'

export interface Session {
  readonly token: string
  readonly role: string
  /** ms since the Unix epoch */
  readonly expires: number
}

/** The session that the link brought, else the tab's. The server checks the token; this only reads what it says. */
export function takeSession(): Session | null {
  const brought = /^#token=([\w.-]+)$/.exec(location.hash)?.[1]
  if (brought !== undefined) {
    sessionStorage.setItem(KEY, brought)
    history.replaceState(null, '', `${location.pathname}#/`)
  }
  const token = sessionStorage.getItem(KEY)
  const session = token === null ? null : readToken(token)
  if (session === null || session.expires <= Date.now()) endSession()
  return session !== null && session.expires > Date.now() ? session : null
}

export function endSession(): void {
  sessionStorage.removeItem(KEY)
}

function readToken(token: string): Session | null {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const claims = JSON.parse(atob(part)) as { role?: unknown; exp?: unknown }
    if (typeof claims.role !== 'string' || typeof claims.exp !== 'number') return null
    return { token, role: claims.role, expires: claims.exp * 1_000 }
  } catch {
    return null
  }
}
