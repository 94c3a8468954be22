/** What `tacit up` says once it is ready. */
import { DAY } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { accessTokens, signInLink } from '../house/access.js'
import type { Environment } from '../house/environment.js'
import type { House } from '../house/house.js'
import { print, printJson } from '../output.js'

const LINK_LIFE_MS = 30 * DAY

/** Where it listens. */
export interface Origins {
  readonly collector: string
  readonly dashboard: string
}

/** An instance that is ready. */
export interface Running extends Origins {
  readonly sample: boolean
  /** what will not work as it is set, or null */
  readonly notice: string | null
}

/** A beacon without a good token is answered as any other, so nobody would learn that all of a site's are refused. */
export function tokenKeyNotice(
  { sites }: Pick<Rulebook, 'sites'>,
  { TACIT_TOKEN_KEYS_FILE }: Pick<Environment, 'TACIT_TOKEN_KEYS_FILE'>,
): string | null {
  if (TACIT_TOKEN_KEYS_FILE !== undefined) return null
  const signed = Object.values(sites).filter(({ identity }) => identity === 'signed')
  if (signed.length === 0) return null
  const names = signed.map(({ id }) => `\`${id}\``).join(', ')
  return `No token keys: every beacon of ${names} will be refused; set TACIT_TOKEN_KEYS_FILE`
}

/** Says where everything is, and what will not work; to machines as one document. */
export async function announce(house: House, running: Running, json: boolean): Promise<void> {
  const access = accessTokens(house.layout)
  const product = signInLink(running.dashboard, await access.issue('product', LINK_LIFE_MS))
  const privacy = signInLink(running.dashboard, await access.issue('privacy', LINK_LIFE_MS))
  const beacons = `${running.collector}/v1/beacon`
  const page = running.sample ? `${running.dashboard}/sample/` : null
  if (json) {
    const { dashboard, notice } = running
    printJson({ ready: true, beacons, dashboard, product, privacy, sample: page, notice })
    return
  }
  print('')
  print('Tacit is ready.')
  print(`  Beacons         ${beacons}`)
  print(`  Product team    ${product}`)
  print(`  Privacy team    ${privacy}`)
  if (page !== null) print(`  Sample ERP      ${page}`)
  if (running.notice !== null) print(`  ${running.notice}`)
  print('  Stop            Ctrl-C')
}
