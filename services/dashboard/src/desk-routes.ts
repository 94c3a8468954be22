/** The privacy role's desk: why values are not published, and how a published one came about. */
import { type Clock, epochOf, HOUR, rfc3339, type Stream, TacitError, utcDay } from '@tacit/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { declaredUnder, dimsKey, finestWindow, type ReleasedCell } from './answer/index.js'
import { cellStory } from './desk/cell-story.js'
import { explanationOf, type WindowAsked } from './desk/explanation.js'
import { releaseProof } from './desk/release-proof.js'
import { type Located, locate } from './locate.js'
import { malformed, type Query, readChoice, readQuery } from './query.js'
import type { Realm } from './realm.js'

const WINDOW_PARAMETERS = ['window', 'window_start', 'site', 'realm'] as const
/** A few values of at most 256 characters, written as JSON. */
const LONGEST_DIMS = 2_048
const MOST_DIMS = 8

type Parameter = (typeof WINDOW_PARAMETERS)[number] | 'dims'

/** @param allow throws where the request may not read what is for the privacy role */
export function addDeskRoutes(
  app: FastifyInstance,
  realms: readonly Realm[],
  clock: Clock,
  allow: (request: FastifyRequest) => Promise<unknown>,
): void {
  app.route<{ Params: { statistic: string } }>({
    method: 'GET',
    url: '/api/v1/explanations/:statistic',
    handler: async (request) => {
      await allow(request)
      const query = readQuery(request.query, WINDOW_PARAMETERS)
      const located = await locate(realms, request.params.statistic, query)
      return explanationOf(await readWindow(located, query, clock.now()))
    },
  })

  app.route<{ Params: { statistic: string } }>({
    method: 'GET',
    url: '/api/v1/cells/:statistic',
    handler: async (request) => {
      await allow(request)
      const query = readQuery(request.query, [...WINDOW_PARAMETERS, 'dims'], LONGEST_DIMS)
      const located = await locate(realms, request.params.statistic, query)
      const { realm, statistic } = located
      const dims = readDims(query.dims)
      const asked = await readWindow(located, query, clock.now())
      const cell = asked.cells.find((one) => dimsKey(one.dims) === dimsKey(dims))
      if (cell === undefined) {
        throw new TacitError('ERR_CELL_UNKNOWN', 'Nothing is published of these values in that window')
      }
      const { window, windowStart } = asked
      const manifest = await realm.manifest({ statistic: statistic.id, window, windowStart })
      const proof = manifest === null ? null : await releaseProof(realm.audit, manifest)
      return cellStory(asked, cell, manifest, proof)
    },
  })
}

/** Every published cell of a window, with the rules that it was released under. */
async function readWindow(
  { realm, statistic }: Located,
  query: Query<Parameter>,
  now: number,
): Promise<WindowAsked> {
  const window = readChoice('window', query.window, statistic.windows) ?? finestWindow(statistic)
  if (window === '5m')
    throw malformed('The number of now is overwritten every few minutes; ask for a window that has closed')
  const windowStart = readStart(query.window_start)
  requireClosed(window, windowStart, now)
  const day = utcDay(windowStart)
  const found = await realm.cells({ statistic: statistic.id, window, from: day, to: day })
  const cells: readonly ReleasedCell[] = found.filter((cell) => cell.windowStart === windowStart)
  const hash = cells[0]?.rulebook ?? realm.rulebook.hash
  return {
    rulebook: realm.ruled(hash) ?? realm.rulebook,
    statistic: declaredUnder((one) => realm.ruled(one), statistic, hash),
    window,
    windowStart,
    sample: realm.sample,
    cells,
  }
}

/** @throws TacitError ERR_QUERY_MALFORMED */
function readStart(text: string | undefined): number {
  const time = Date.parse(text ?? '')
  if (text === undefined || Number.isNaN(time) || rfc3339(time) !== text) {
    throw malformed('Give window_start as an answer writes it, e.g. 2026-11-01T00:00:00Z')
  }
  return time
}

/** @throws TacitError ERR_QUERY_MALFORMED, ERR_CELL_UNKNOWN */
function requireClosed(window: string, windowStart: number, now: number): void {
  const { end, start } =
    window === 'hour'
      ? { start: windowStart - (windowStart % HOUR), end: windowStart + HOUR }
      : epochOf(window as Stream, windowStart)
  if (start !== windowStart) throw malformed(`No ${window} begins then; it began at ${rfc3339(start)}`)
  if (end > now) throw new TacitError('ERR_CELL_UNKNOWN', 'That window has not closed yet')
}

/** @throws TacitError ERR_QUERY_MALFORMED */
function readDims(text: string | undefined): readonly string[] {
  try {
    const dims: unknown = JSON.parse(text ?? '')
    if (Array.isArray(dims) && dims.length <= MOST_DIMS && dims.every((value) => typeof value === 'string'))
      return dims
  } catch {
    // said below, without what was given
  }
  throw malformed(
    'Give dims as a JSON list of the values in the order of the columns, e.g. ["/invoices","mobile"]',
  )
}
