import t from 'tap'
import { isLoopback, type KafkaOptions, kafkaClient, requireLoopback } from './connection.js'

const LOCAL: KafkaOptions = {
  brokers: ['127.0.0.1:9092'],
  tls: null,
  sasl: null,
  prefix: 'tacit',
  partitions: 6,
  replication: 1,
}
const WHAT_TO_SET = /TACIT_KAFKA_TLS=on and TACIT_KAFKA_CA_FILE/

t.test('plaintext goes to this machine only, and the refusal says what to set', (t) => {
  for (const broker of [
    'kafka:9092',
    '10.0.0.1:9092',
    '128.0.0.1:9092',
    '127.0.0.1.example:9092',
    '0.0.0.0:1',
  ]) {
    const refused = { code: 'ERR_CONFIG_INVALID', message: WHAT_TO_SET }
    t.throws(() => kafkaClient({ ...LOCAL, brokers: ['127.0.0.1:9092', broker] }), refused, broker)
    t.ok(kafkaClient({ ...LOCAL, brokers: [broker], tls: { ca: '' } }), 'with TLS it may be anywhere')
  }
  t.ok(kafkaClient({ ...LOCAL, brokers: ['127.0.0.1:9092', '127.9.9.9:1', 'localhost:65535'] }))
  t.end()
})

t.test('loopback is 127.0.0.0/8, ::1 and localhost', (t) => {
  for (const host of ['127.0.0.1', '127.255.255.254', '::1', 'localhost', 'LOCALHOST'])
    t.ok(isLoopback(host), host)
  for (const host of ['126.0.0.1', '::2', '::', 'localhost.example', '127.0.0.1.example', '127.1', '']) {
    t.notOk(isLoopback(host), host)
  }
  t.end()
})

t.test('brokers that the cluster advertises beyond this machine are refused in plaintext', (t) => {
  const refused = { code: 'ERR_CONFIG_INVALID', message: WHAT_TO_SET }
  t.throws(() => requireLoopback(['127.0.0.1', '192.0.2.7'], LOCAL), refused)
  t.doesNotThrow(() => requireLoopback(['127.0.0.1', '::1'], LOCAL))
  t.doesNotThrow(() => requireLoopback(['192.0.2.7'], { ...LOCAL, tls: { ca: '' } }))
  t.end()
})

t.test('a prefix that no topic can have is refused', (t) => {
  for (const prefix of ['', 'a b', 'ä', 'x'.repeat(201)]) {
    t.throws(() => kafkaClient({ ...LOCAL, prefix }), { message: /TACIT_KAFKA_TOPIC_PREFIX/ }, prefix)
  }
  t.end()
})

t.test('what is no host and port is refused without being repeated', (t) => {
  for (const brokers of [
    [],
    [''],
    ['secret'],
    ['secret:'],
    ['secret:0'],
    ['secret:65536'],
    ['[::1]:9092'],
    ['a b:1'],
  ]) {
    t.throws(() => kafkaClient({ ...LOCAL, brokers }), {
      code: 'ERR_CONFIG_INVALID',
      message: /^(?!.*secret).*host:port/,
    })
  }
  t.end()
})
