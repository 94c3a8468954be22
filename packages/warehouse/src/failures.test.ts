import { ClickHouseError } from '@clickhouse/client'
import t from 'tap'
import { failureOfCode, isTransient, toWarehouseError, WarehouseError } from './failures.js'

t.test('an error number says what the caller may do', async (t) => {
  for (const code of [26, 27, 6, 38, 41, 53, 72, 117, 130]) {
    t.equal(failureOfCode(code, true).kind, 'data', `error ${String(code)} is about the rows`)
  }
  for (const code of [60, 62, 164, 497, 516]) t.equal(failureOfCode(code, true).kind, 'refused')
  for (const code of [159, 210, 241, 252, 999]) t.equal(failureOfCode(code, true).kind, 'unknown')
  t.equal(failureOfCode(27, false).kind, 'refused', 'a query changes nothing, so nothing is unknown')
})

t.test('what ClickHouse says of the data never leaves', async (t) => {
  const said = new ClickHouseError({
    message: 'Cannot parse input: "alice@example.in"',
    code: '27',
    type: 'X',
  })
  const failure = toWarehouseError(said, true)
  t.notMatch(JSON.stringify({ ...failure, message: failure.message, stack: failure.stack }), /alice/)
  t.equal(failure.cause, undefined)
  t.equal(failure.clickhouseCode, 27)
  t.equal(failure.code, 'ERR_WAREHOUSE_DATA')
  t.equal(failure.retryable, false)
})

t.test('a connection that was never made is refused, a broken one unknown', async (t) => {
  const error = (code: string): Error => Object.assign(new Error('secret'), { code })
  t.equal(toWarehouseError(error('ECONNREFUSED'), true).kind, 'refused')
  t.equal(toWarehouseError(error('ECONNRESET'), true).kind, 'unknown')
  t.equal(toWarehouseError(new Error('Timeout error.'), true).kind, 'unknown')
  t.notMatch(toWarehouseError(error('ECONNRESET'), true).message, /secret/)
})

t.test('waiting helps against an absent server, not against a wrong password', async (t) => {
  t.equal(isTransient(new WarehouseError('refused', null, '')), true)
  t.equal(isTransient(new WarehouseError('unknown', 252, '')), true)
  t.equal(isTransient(new WarehouseError('refused', 516, '')), false)
  t.equal(isTransient(new WarehouseError('data', 27, '')), false)
})

t.test('what only corrected settings help against is told from what passes', async (t) => {
  for (const code of [192, 193, 194, 516]) t.equal(failureOfCode(code, true).refuses, 'user', String(code))
  for (const code of [164, 291, 392, 452, 497])
    t.equal(failureOfCode(code, true).refuses, 'rights', String(code))
  for (const code of [159, 202, 241, 27]) t.equal(failureOfCode(code, true).refuses, null, String(code))
  const untrusted = Object.assign(new Error('secret'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' })
  const failure = toWarehouseError(untrusted, true)
  t.match(failure, { kind: 'refused', refuses: 'certificate' })
  t.equal(isTransient(failure), false)
  t.notMatch(failure.message, /secret/)
  t.equal(toWarehouseError(Object.assign(new Error(), { code: 'ECONNREFUSED' }), true).refuses, null)
})
