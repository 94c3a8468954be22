/** The real access log that the tests may use; it is not part of the repository. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BESIDE = fileURLToPath(new URL('../../../../shared/data/', import.meta.url))

export const REAL_LOG = join(process.env['TACIT_TEST_LOGS'] ?? BESIDE, 'access-2015-05-17-18.log')

/** For `skip`: why the real log cannot be used, or false. */
export const WITHOUT_REAL_LOG: string | false = existsSync(REAL_LOG)
  ? false
  : 'access-2015-05-17-18.log is not there: set TACIT_TEST_LOGS to its folder'
