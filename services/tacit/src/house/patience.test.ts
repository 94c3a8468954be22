import { TacitError } from '@tacit/contracts'
import { WarehouseError } from '@tacit/warehouse'
import t from 'tap'
import { untilAvailable } from './patience.js'

t.test('what is not there yet is waited for, and that is said once', async (t) => {
  let attempts = 0
  const said: string[] = []
  const found = await untilAvailable(
    'Kafka',
    async () => {
      if (++attempts < 3) throw new Error('no connection')
      return 'here'
    },
    (message) => said.push(message),
  )
  t.equal(found, 'here')
  t.equal(attempts, 3)
  t.same(said, ['Kafka does not answer yet; it is tried again'])
})

t.test('what waiting does not help is thrown at once', async (t) => {
  const fail = (error: Error) => async (): Promise<never> => {
    throw error
  }
  const never = (): void => void t.fail('nothing is said')
  await t.rejects(untilAvailable('x', fail(new TacitError('ERR_LOG_TOPIC')), never), {
    code: 'ERR_LOG_TOPIC',
  })
  for (const [code, says] of [
    [516, /TACIT_CLICKHOUSE_PASSWORD_FILE/],
    [192, /CLICKHOUSE_USERNAME/],
    [497, /CLICKHOUSE_USERNAME.*grant/],
  ] as const) {
    await t.rejects(untilAvailable('ClickHouse', fail(new WarehouseError('refused', code, '')), never), {
      code: 'ERR_CONFIG_INVALID',
      message: says,
    })
  }
})
