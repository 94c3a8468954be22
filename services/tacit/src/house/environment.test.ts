import { TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { environmentSchema, readEnvironment, unusedByUp } from './environment.js'

/** What the error says. */
function refusal(env: NodeJS.ProcessEnv): string {
  try {
    readEnvironment(env)
  } catch (error) {
    if (error instanceof TacitError && error.code === 'ERR_CONFIG_INVALID') return error.message
    throw error
  }
  return ''
}

t.test('without settings the defaults stand', async (t) => {
  t.same(readEnvironment({ PATH: '/bin', TACIT: 'x' }), {
    TACIT_KEEPER_URL: [],
    KAFKA_BROKERS: [],
    TACIT_KAFKA_TLS: 'off',
    TACIT_KAFKA_TOPIC_PREFIX: 'tacit',
    TACIT_KAFKA_PARTITIONS: 6,
    TACIT_KAFKA_REPLICATION: 3,
    CLICKHOUSE_URL: [],
    CLICKHOUSE_USERNAME: 'tacit',
    TACIT_TRUSTED_PROXIES: [],
    TACIT_NAT64_PREFIXES: [],
    TACIT_AUDIT_MAIL_COMMAND: 'sendmail -t',
    TACIT_RATE_PER_TOKEN: 100,
    TACIT_HOST: '127.0.0.1',
  })
})

t.test('each setting is read and has a description', async (t) => {
  const env = readEnvironment({
    TACIT_TOKEN_KEYS_FILE: 'keys.json',
    TACIT_TRUSTED_PROXIES: ' 10.0.0.0/8, ,2001:db8::/32 ',
    TACIT_NAT64_PREFIXES: '2001:db8:64::/96',
    TACIT_RATE_PER_TOKEN: '5000',
    TACIT_RATE_PER_PEER: '7',
    TACIT_HOST: '::1',
  })
  t.match(env, {
    TACIT_TOKEN_KEYS_FILE: 'keys.json',
    TACIT_TRUSTED_PROXIES: ['10.0.0.0/8', '2001:db8::/32'],
    TACIT_NAT64_PREFIXES: ['2001:db8:64::/96'],
    TACIT_RATE_PER_TOKEN: 5000,
    TACIT_RATE_PER_PEER: 7,
    TACIT_HOST: '::1',
  })
  for (const [name, schema] of Object.entries(environmentSchema.shape)) t.ok(schema.description, name)
})

t.test('P16: a typo is refused and the nearest right name is said, not the value', async (t) => {
  for (const [typo, right] of [
    ['TACIT_RATE_PER_TOKN', 'TACIT_RATE_PER_TOKEN'],
    ['TACIT_RATE_PER_PEERS', 'TACIT_RATE_PER_PEER'],
    ['TACIT_TOKEN_KEY_FILE', 'TACIT_TOKEN_KEYS_FILE'],
    ['TACIT_TRUSTED_PROXY', 'TACIT_TRUSTED_PROXIES'],
    ['TACIT_HOSTS', 'TACIT_HOST'],
    ['TACIT_tRATE_PER_TOKEN', 'TACIT_RATE_PER_TOKEN'],
  ] as const) {
    const message = refusal({ [typo]: 'a-secret' })
    t.match(message, `${typo}; did you mean ${right}?`)
    t.notMatch(message, /a-secret/)
  }
})

t.test('a value that is wrong names the variable, never the value', async (t) => {
  const bad = fc.string({ minLength: 1 }).filter((text) => !/^[1-9]\d{0,8}$/.test(text))
  fc.assert(
    fc.property(bad, fc.constantFrom('TACIT_RATE_PER_TOKEN', 'TACIT_RATE_PER_PEER'), (value, name) => {
      t.equal(refusal({ [name]: value }), `The variable ${name} is not right: a whole number above 0`)
    }),
  )
})

t.test('what tests read is left alone', async (t) => {
  t.equal(refusal({ TACIT_TEST_LOGS: '/somewhere', TACIT_TEST_FULL: '1' }), '')
})

t.test(
  'settings of a distributed deployment that `tacit up` does not use are named, not repeated',
  async (t) => {
    const text = unusedByUp({
      KAFKA_BROKERS: 'a-secret:9092',
      TACIT_KAFKA_TLS: 'on',
      CLICKHOUSE_URL: 'https://a-secret',
      CLICKHOUSE_USERNAME: '',
      TACIT_HOST: '::1',
    })
    t.match(text, 'does not use KAFKA_BROKERS, TACIT_KAFKA_TLS, CLICKHOUSE_URL: its log')
    t.notMatch(text, /a-secret/)
    t.equal(unusedByUp({ TACIT_HOST: '::1', KAFKA_HEAP_OPTS: '-Xmx1G' }), null)
  },
)
