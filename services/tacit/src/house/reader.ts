/**
 * Reading released cells and the ledger: from the running instance where there is one, else from the stores
 * themselves. Both ways end in the dashboard's API, so the command line and the API say the same.
 */
import { PROBLEMS, type ProblemCode, TacitError } from '@tacit/contracts'
import type { Realm as DashboardRealm } from '@tacit/dashboard'
import type { AuditService } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { presentLayout } from './layout.js'
import type { Realm } from './realm.js'
import type { RealmRulebooks } from './realm-rulebooks.js'
import { rulebookView } from './rulebook-view.js'
import { readRunFile, type RunFile } from './run-file.js'

export interface Reader {
  /** The body of `GET path` of the dashboard API. @throws TacitError with the API's code */
  get(path: string): Promise<string>
  /** Nothing was ever received under this data directory. */
  readonly empty: boolean
  close(): Promise<void>
}

/** What of a realm is read: of one that works, or of one that is only opened for reading (reading-realm.ts). */
export type ReadRealm = Pick<Realm, 'layout' | 'rulebook' | 'rulebooks' | 'aggregator' | 'warehouse'> & {
  readonly keeper: Pick<Realm['keeper'], 'keys'> & {
    readonly audit: Pick<AuditService, 'head' | 'publicKey' | 'read'>
  }
}

/** Released values outlive the text of the rules that they were released under: then nothing is said of those. */
function rulesOf(rulebooks: RealmRulebooks, hash: string): Rulebook | null {
  try {
    return rulebooks.ofHash(hash)
  } catch (error) {
    if (error instanceof TacitError) return null
    throw error
  }
}

/** A realm as the dashboard reads it. */
export function dashboardRealm(realm: ReadRealm): DashboardRealm {
  return {
    name: realm.layout.name,
    sample: realm.layout.name === 'sample',
    rulebook: realm.rulebook,
    ruled: (hash) => rulesOf(realm.rulebooks, hash),
    cells: (query) => realm.warehouse.queryCells(query),
    counts: (query) => realm.warehouse.cellCounts(query),
    latest: () => realm.warehouse.latestWindows(),
    live: (now) => realm.warehouse.live(now),
    manifest: async (window) => {
      const id = await realm.warehouse.manifestOfWindow(window)
      return id === null ? null : realm.aggregator.manifest(id)
    },
    ledger: async ({ from, to }) =>
      realm.aggregator.ledger(
        from === undefined ? undefined : `${from}T00:00:00Z`,
        to === undefined ? undefined : `${to}T23:59:59Z`,
      ),
    detections: async ({ from, to }) => realm.aggregator.detections(from, to),
    checks: () => realm.aggregator.checks(),
    history: () => rulebookView(realm.rulebooks.register?.entries() ?? []),
    keys: () => realm.keeper.keys(),
    audit: realm.keeper.audit,
  }
}

/** @throws TacitError with the API's code */
export function bodyOrProblem(status: number, body: string): string {
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

/** `?a=b` of the parameters that are set. */
export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** The body of `GET path` of the running instance's dashboard API. @throws TacitError with the API's code */
export async function askInstance({ dashboard, token }: RunFile, path: string): Promise<string> {
  const answer = await fetch(`${dashboard}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return bodyOrProblem(answer.status, await answer.text())
}

/** @param dir data directory @throws TacitError ERR_INPUT_FILE where there is none: reading makes nothing */
export async function openReader(dir: string): Promise<Reader> {
  const running = readRunFile(presentLayout(dir))
  // Loaded only where nothing runs: it brings the whole house.
  if (running === null) return (await import('./stores-reader.js')).openStoresReader(dir)
  return {
    empty: false,
    get: (path) => askInstance(running, path),
    close: async () => {},
  }
}
