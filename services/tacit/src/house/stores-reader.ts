/** Reading from the stores themselves, where no instance runs: a house without listeners, asked through the same API. */
import { createDashboard, type Realm as DashboardRealm } from '@tacit/dashboard'
import { accessTokens } from './access.js'
import { openHouse } from './house.js'
import type { RealmName } from './layout.js'
import { bodyOrProblem, dashboardRealm, type Reader } from './reader.js'
import { realmExists } from './realm.js'
import { storedRulebook } from './rulebook-files.js'

const TOKEN_LIFE_MS = 60_000

/** Opens the stores of a data directory for reading; nothing runs in them meanwhile. */
export async function openStoresReader(dir: string): Promise<Reader> {
  const house = await openHouse(dir)
  try {
    const realms: DashboardRealm[] = []
    for (const name of ['main', 'sample'] as const satisfies readonly RealmName[]) {
      const layout = house.layout.realm(name)
      const rulebook = realmExists(layout) ? storedRulebook(layout.rulebook) : null
      if (rulebook === null) continue
      realms.push(dashboardRealm(await house.openReadingRealm(layout, rulebook)))
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
