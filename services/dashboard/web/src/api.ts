/** The query API, asked with the session's token. */
import type { AuditEntry, SignedHead } from '@tacit/audit-log'
import type { CatalogueEntry } from '../../src/answer/catalogue.js'
import type { AnswerRow, StatisticAnswer } from '../../src/answer/types.js'
import type { CellAnswer } from '../../src/desk/cell-story.js'
import type { ExplanationAnswer } from '../../src/desk/explanation.js'
import type { KeyRow, KeysAnswer } from '../../src/keys-answer.js'
import type { CheckResult, LedgerRow } from '../../src/realm.js'

export type {
  AnswerRow,
  CatalogueEntry,
  CellAnswer,
  CheckResult,
  ExplanationAnswer,
  KeyRow,
  KeysAnswer,
  LedgerRow,
  StatisticAnswer,
}

export interface LedgerPageAnswer {
  readonly rows: readonly LedgerRow[]
  readonly sample: boolean
}

export interface AuditHeadAnswer {
  readonly head: SignedHead | null
  /** PEM */
  readonly public_key: string
  readonly sample: boolean
}

export interface AuditEntriesAnswer {
  /** the oldest first */
  readonly entries: readonly AuditEntry[]
  readonly sample: boolean
}

export interface ChecksAnswer {
  readonly checks: readonly CheckResult[]
  readonly sample: boolean
}

export interface RulebookAnswer {
  readonly name: string
  readonly version: string
  readonly hash: string
  readonly effective: string
  readonly expires: string
  readonly policy: { readonly version: string }
  readonly sources: Readonly<Record<string, string>>
  readonly sample: boolean
}

/** What went wrong, in words for the reader. `status` 0: the server did not answer. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Api {
  json<Answer>(path: string, query?: Readonly<Record<string, string>>): Promise<Answer>
  blob(path: string, query: Readonly<Record<string, string>>): Promise<Blob>
}

export function openApi(token: string): Api {
  const ask = async (path: string, query: Readonly<Record<string, string>> = {}): Promise<Response> => {
    const given = Object.entries(query).filter(([, value]) => value !== '')
    const search = new URLSearchParams(given).toString()
    let answer: Response
    try {
      answer = await fetch(`/api/v1/${path}${search && `?${search}`}`, {
        headers: { authorization: `Bearer ${token}` },
        credentials: 'omit',
        cache: 'no-store',
      })
    } catch {
      throw new ApiError(0, 'Tacit does not answer. Check that it is still running, then try again.')
    }
    if (answer.ok) return answer
    const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string }
    throw new ApiError(
      answer.status,
      problem.detail ?? problem.title ?? `The server answered ${answer.status}.`,
    )
  }
  return {
    json: async <Answer>(path: string, query?: Readonly<Record<string, string>>) =>
      (await (await ask(path, query)).json()) as Answer,
    blob: async (path, query) => (await ask(path, query)).blob(),
  }
}
