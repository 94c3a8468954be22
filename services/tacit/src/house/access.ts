/** Access tokens of the dashboard: the secret lies in the data directory, mode 0600. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AccessTokens, openAccessTokens } from '@tacit/dashboard'
import type { DataLayout } from './layout.js'

/** The signer and checker of access tokens; makes the secret where there is none. */
export function accessTokens(layout: DataLayout): AccessTokens {
  if (!existsSync(layout.accessKey))
    writeFileSync(layout.accessKey, randomBytes(32), { mode: 0o600, flag: 'wx' })
  return openAccessTokens(readFileSync(layout.accessKey))
}

/** A link that signs in; the token stands behind `#`, which browsers do not send. */
export function signInLink(dashboard: string, token: string): string {
  return `${dashboard}/#token=${token}`
}
