/** Waiting at a start for what other machines offer: a deployment's parts are started in any order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import { type Refused, WarehouseError } from '@tacit/warehouse'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

/** What has to be corrected where ClickHouse answers and refuses. */
const CORRECT: Readonly<Record<Refused, string>> = {
  user: 'ClickHouse refuses the user or its password: see CLICKHOUSE_USERNAME and TACIT_CLICKHOUSE_PASSWORD_FILE',
  rights:
    'ClickHouse does not let the user of CLICKHOUSE_USERNAME make and read its tables: grant it all on the database, or name another user',
  certificate:
    'ClickHouse’s certificate is not trusted: NODE_EXTRA_CA_CERTS must name the authority that signed it, and CLICKHOUSE_URL a name that is in it',
}

/** What will not come right by waiting (wrong settings, topics, certificates, tables), as the operator has to hear it; or null. */
function lasting(error: unknown): TacitError | null {
  if (error instanceof WarehouseError && error.refuses !== null)
    return new TacitError('ERR_CONFIG_INVALID', CORRECT[error.refuses], { cause: error })
  return error instanceof TacitError && !error.retryable ? error : null
}

/**
 * Tries until it works, and says once that it waits.
 * @param what is waited for, as in `… does not answer yet`
 * @throws TacitError where waiting would not help
 */
export async function untilAvailable<T>(
  what: string,
  task: () => Promise<T>,
  alarm: (message: string) => void,
): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await task()
    } catch (error) {
      const refusal = lasting(error)
      if (refusal !== null) throw refusal
      if (wait === FIRST_WAIT_MS) alarm(`${what} does not answer yet; it is tried again`)
      await sleep(wait)
    }
  }
}
