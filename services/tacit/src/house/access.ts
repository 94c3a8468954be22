/** Access tokens of the dashboard: the secret lies in the data directory, mode 0600. */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AccessTokens, openAccessTokens } from '@tacit/dashboard'
import type { DataLayout } from './layout.js'

/** The signer and checker of access tokens; makes the secret where there is none. */
export function accessTokens(layout: DataLayout): AccessTokens {
  if (!existsSync(layout.accessKey)) makeSecret(layout.accessKey)
  return openAccessTokens(readFileSync(layout.accessKey))
}

/** Of several processes that make one at once the first wins, and none reads half of it: a link appears whole or not. */
function makeSecret(path: string): void {
  const own = `${path}.${randomBytes(8).toString('hex')}`
  writeFileSync(own, randomBytes(32), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(own)
  }
}

/** A link that signs in; the token stands behind `#`, which browsers do not send. */
export function signInLink(dashboard: string, token: string): string {
  return `${dashboard}/#token=${token}`
}
