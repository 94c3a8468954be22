/** The query of `/api/v1/statistics/:id`: what is asked, refused with what to do where it makes no sense. */
import type { Statistic } from '@tacit/rulebook'
import { finestWindow } from './answer/index.js'
import { localTimes } from './answer/time.js'
import type { Asked } from './answer/types.js'
import type { Located } from './locate.js'
import { malformed, type Query, readChoice, readNumber } from './query.js'

export const STATISTIC_PARAMETERS = [
  'window',
  'from',
  'to',
  'drill',
  'compare',
  'top',
  'limit',
  'timezone',
  'format',
  'site',
  'realm',
] as const

export type StatisticQuery = Query<(typeof STATISTIC_PARAMETERS)[number]>

const DEFAULT_LIMIT = 10_000
const MAX_LIMIT = 100_000
const MAX_TOP = 1_000

/** @throws TacitError ERR_QUERY_MALFORMED that says what this statistic offers */
export function readAsked({ realm, statistic }: Located, query: StatisticQuery): Asked {
  const window = readChoice('window', query.window, statistic.windows) ?? finestWindow(statistic)
  const isCompared = readChoice('compare', query.compare, ['previous']) !== undefined
  const top = readNumber('top', query.top, 1, MAX_TOP)
  const { type } = statistic.shape
  if (isCompared && type === 'live')
    throw malformed('There is only one number of now, and none before it; leave compare out')
  if (top !== null && type !== 'counts')
    throw malformed('Only statistics that count people or events have largest values; leave top out')
  if (query.timezone !== undefined) localTimes(query.timezone)
  return {
    rulebook: realm.rulebook,
    ruled: (hash) => realm.ruled(hash),
    statistic,
    window,
    sample: realm.sample,
    drill: readDrill(statistic, window, query.drill),
    limit: readNumber('limit', query.limit, 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    top,
    compare: isCompared,
    timezone: query.timezone ?? null,
    from: query.from ?? null,
  }
}

function readDrill({ drill }: Statistic, window: string, asked: string | undefined): string | null {
  if (asked === undefined) return null
  if (!drill.includes(asked)) {
    throw malformed(
      drill.length === 0
        ? 'This statistic declares no drill-down; leave drill out'
        : `Give drill as one of: ${drill.join(', ')}`,
    )
  }
  if (window === 'hour')
    throw malformed('Hours are published without drill-downs; leave drill out, or ask for window=day')
  return asked
}
