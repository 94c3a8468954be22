/**
 * Reading released cells and the ledger: from the running instance where there is one, else from the stores
 * themselves. Both ways end in the dashboard's API, so the command line and the API say the same.
 */
import { existsSync } from 'node:fs'
import { DrivenClock, PROBLEMS, type ProblemCode, TacitError } from '@tacit/contracts'
import { createDashboard, type Realm as DashboardRealm } from '@tacit/dashboard'
import { accessTokens } from './access.js'
import { openHouse } from './house.js'
import { dataLayout, type RealmName } from './layout.js'
import { type Realm, realmExists } from './realm.js'
import { storedRulebook } from './rulebook-files.js'
import { rulebookView } from './rulebook-view.js'
import { readRunFile } from './run-file.js'

const TOKEN_LIFE_MS = 60_000

export interface Reader {
  /** The body of `GET path` of the dashboard API. @throws TacitError with the API's code */
  get(path: string): Promise<string>
  /** Nothing was ever received under this data directory. */
  readonly empty: boolean
  close(): Promise<void>
}

/** A realm as the dashboard reads it. */
export function dashboardRealm(realm: Realm): DashboardRealm {
  return {
    name: realm.layout.name,
    sample: realm.layout.name === 'sample',
    rulebook: realm.rulebook,
    cells: (query) => realm.warehouse.queryCells(query),
    released: () => realm.warehouse.releasedWindows(),
    ledger: async ({ from, to }) =>
      realm.aggregator.ledger(
        from === undefined ? undefined : `${from}T00:00:00Z`,
        to === undefined ? undefined : `${to}T23:59:59Z`,
      ),
    detections: async ({ from, to }) => realm.aggregator.detections(from, to),
    history: () => rulebookView(realm.rulebooks.register?.entries() ?? []),
  }
}

function bodyOrProblem(status: number, body: string): string {
  if (status < 400) return body
  let problem: { code?: string; detail?: string; title?: string } = {}
  try {
    problem = JSON.parse(body) as typeof problem
  } catch {
    // Not one of ours: the status alone is said.
  }
  const code = (
    problem.code !== undefined && problem.code in PROBLEMS ? problem.code : 'ERR_INTERNAL'
  ) as ProblemCode
  throw new TacitError(code, problem.detail ?? problem.title)
}

/** Opens the stores of a data directory for reading; nothing runs in them meanwhile. */
async function openStoresReader(dir: string): Promise<Reader> {
  const house = await openHouse(dir)
  try {
    const realms: DashboardRealm[] = []
    for (const name of ['main', 'sample'] as const satisfies readonly RealmName[]) {
      const layout = house.layout.realm(name)
      const rulebook = realmExists(layout) ? storedRulebook(layout.rulebook) : null
      if (rulebook === null) continue
      // A clock that stands still: reading destroys nothing, so windows that an import kept open stay open.
      const clock = new DrivenClock(0)
      realms.push(dashboardRealm(await house.openRealm({ layout, rulebook, clock, ratePerToken: 0 })))
    }
    const access = accessTokens(house.layout)
    const token = await access.issue('operator', TOKEN_LIFE_MS)
    const app = createDashboard({ realms, access })
    return {
      empty: realms.length === 0,
      async get(path) {
        const answer = await app.inject({
          method: 'GET',
          url: path,
          headers: { authorization: `Bearer ${token}` },
        })
        return bodyOrProblem(answer.statusCode, answer.body)
      },
      async close() {
        await app.close()
        await house.close()
      },
    }
  } catch (error) {
    await house.close()
    throw error
  }
}

/** @param dir data directory @throws TacitError ERR_INPUT_FILE where there is none: reading makes nothing */
export async function openReader(dir: string): Promise<Reader> {
  if (!existsSync(dir)) {
    throw new TacitError('ERR_INPUT_FILE', `There is no data directory ${dir}; name one with --data DIR`)
  }
  const running = readRunFile(dataLayout(dir))
  if (running === null) return openStoresReader(dir)
  return {
    empty: false,
    async get(path) {
      const answer = await fetch(`${running.dashboard}${path}`, {
        headers: { authorization: `Bearer ${running.token}` },
      })
      return bodyOrProblem(answer.status, await answer.text())
    },
    close: async () => {},
  }
}
