/** What `tacit up` says once it is ready. */
import { DAY } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { accessTokens, signInLink } from '../house/access.js'
import type { Environment } from '../house/environment.js'
import type { House } from '../house/house.js'
import { jumpText } from '../house/clock-watch.js'
import type { Jump } from '../house/live-clock.js'
import type { Sealing } from '../house/master-key.js'
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
  /** what is right for trying, and not for real data; said to people only */
  readonly hints: readonly string[]
  /** why its clock stands still, or null */
  readonly jump: Jump | null
  /** a keeper of another process has not answered yet */
  readonly lacksKeeper: boolean
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

type KeySettings = Pick<
  Environment,
  | 'TACIT_AUDIT_HEADS_DIR'
  | 'TACIT_AUDIT_MAIL_TO'
  | 'TACIT_AUDIT_WITNESS_URL'
  | 'TACIT_KEEPER_URL'
  | 'TACIT_MASTER_KEY_FILE'
>

/** What keys and evidence still lack for real data: docs/keys.md. A keeper of its own says so itself. */
export function keyHints(settings: KeySettings, sealing: Sealing | null = null): readonly string[] {
  if (settings.TACIT_KEEPER_URL.length > 0) return []
  const { TACIT_AUDIT_HEADS_DIR, TACIT_AUDIT_MAIL_TO, TACIT_AUDIT_WITNESS_URL, TACIT_MASTER_KEY_FILE } =
    settings
  const hasWitness = [TACIT_AUDIT_HEADS_DIR, TACIT_AUDIT_MAIL_TO, TACIT_AUDIT_WITNESS_URL].some(
    (place) => place !== undefined,
  )
  return [
    ...(sealing === null ? [] : [sealing.text]),
    ...(TACIT_MASTER_KEY_FILE === undefined
      ? ['For real data: the master key lies beside the keys; set TACIT_MASTER_KEY_FILE (docs/keys.md)']
      : []),
    ...(hasWitness
      ? []
      : [
          'For real data: nobody outside holds a head of the audit log; set TACIT_AUDIT_MAIL_TO or the like (docs/keys.md)',
        ]),
  ]
}

/** Where people go; the links of roles sign in. */
interface Links {
  readonly beacons: string
  readonly product: string
  readonly privacy: string
  readonly sample: string | null
}

/** What `--json` says. `clock`: why it stands still and what to do, or null. @param dir the data directory */
export function announcement(running: Running, links: Links, dir: string) {
  const { dashboard, jump, lacksKeeper, notice } = running
  const clock = jump === null ? null : jumpText(jump, dir)
  return { ready: jump === null && !lacksKeeper, dashboard, notice, clock, ...links }
}

/** Says where everything is, and what will not work; to machines as one document. */
export async function announce(house: House, running: Running, json: boolean): Promise<void> {
  const access = accessTokens(house.layout)
  const said = announcement(
    running,
    {
      beacons: `${running.collector}/v1/beacon`,
      product: signInLink(running.dashboard, await access.issue('product', LINK_LIFE_MS)),
      privacy: signInLink(running.dashboard, await access.issue('privacy', LINK_LIFE_MS)),
      sample: running.sample ? `${running.dashboard}/sample/` : null,
    },
    house.layout.dir,
  )
  if (json) {
    printJson(said)
    return
  }
  print('')
  print(said.ready ? 'Tacit is ready.' : 'Tacit runs, and takes no beacon.')
  print(`  Beacons         ${said.beacons}`)
  print(`  Product team    ${said.product}`)
  print(`  Privacy team    ${said.privacy}`)
  if (said.sample !== null) print(`  Sample ERP      ${said.sample}`)
  if (said.clock !== null) print(`  ${said.clock}`)
  if (running.lacksKeeper) print('  The keeper of TACIT_KEEPER_URL does not answer yet; it goes on by itself')
  if (said.notice !== null) print(`  ${said.notice}`)
  for (const hint of running.hints) print(`  ${hint}`)
  print('  Stop            Ctrl-C')
}
