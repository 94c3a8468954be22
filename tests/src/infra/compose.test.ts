import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compose, ofTacit, secretsOf, services, threeNodes } from './compose.js'
import {
  checkCompose,
  COMPOSE_FILE,
  exposedSecrets,
  filesBelow,
  KAFKA_3_FILE,
  ROOT,
  textOf,
  unreadVariables,
} from './files.js'

const names = services.map(([name]) => name)

t.test('the compose files are what the Compose Specification allows, and a typo is not', async (t) => {
  t.same(checkCompose(compose), [])
  t.same(checkCompose(threeNodes), [])
  const typo = { services: { keeper: { image: 'x', memlimit: '1g' } } }
  t.match(checkCompose(typo), [/memlimit/])
})

t.test('there is what a deployment is made of', async (t) => {
  t.same(names.toSorted(), [
    'aggregator-1',
    'aggregator-2',
    'clickhouse',
    'collector-1',
    'collector-2',
    'dashboard',
    'kafka-1',
    'keeper',
  ])
  t.same(
    ofTacit
      .map(([name, { command }]) => [name.replace(/-\d$/, ''), command?.[0]])
      .filter(([a, b]) => a !== b),
    [],
    'each runs the verb that it is named after',
  )
})

t.test(
  'only collectors and the dashboard publish a port, to this machine unless somebody says otherwise',
  async (t) => {
    const published = services.filter(([, { ports }]) => ports !== undefined)
    t.same(published.map(([name]) => name).toSorted(), ['collector-1', 'collector-2', 'dashboard'])
    const ports = published.flatMap(([, service]) => service.ports ?? [])
    t.ok(ports.every((port) => port.startsWith(`\${PUBLISH_ADDRESS:-127.0.0.1}:`)))
    t.equal(new Set(ports).size, ports.length)
    t.same(
      Object.keys(threeNodes.services).filter((name) => threeNodes.services[name]?.ports !== undefined),
      [],
    )
  },
)

t.test('who is not published has no way out of its networks', async (t) => {
  const open = Object.entries(compose.networks).filter(([, network]) => network?.internal !== true)
  t.same(
    open.map(([name]) => name),
    ['edge'],
  )
  for (const [name, { networks = [], ports }] of services) {
    t.equal(networks.includes('edge'), ports !== undefined, name)
    t.ok(networks.length > 0, `${name} is on no default network`)
  }
})

t.test(
  'every service is confined: no root, no capabilities, nothing to write to, no core dump, no swap',
  async (t) => {
    for (const [name, service] of services) {
      t.match(service.user, /^[1-9]\d*:[1-9]\d*$/, `${name} runs as nobody special`)
      t.same([service.read_only, service.cap_drop, service.cap_add], [true, ['ALL'], undefined], name)
      t.same([service.security_opt, service.privileged], [['no-new-privileges:true'], undefined], name)
      t.equal(service.ulimits?.core, 0, `${name} leaves no core`)
      t.match(service.mem_limit, /^\d+[mg]$/, `${name} has a bound`)
      t.equal(service.memswap_limit, service.mem_limit, `${name} is never swapped`)
    }
  },
)

t.test('every service has a health check, and waits for what it needs to be healthy', async (t) => {
  for (const [name, service] of services) {
    t.equal(service.healthcheck?.test[0], 'CMD', `${name} is asked without a shell`)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      t.ok(names.includes(other), `${name} waits for ${other}`)
      t.equal(condition, 'service_healthy')
    }
  }
  const needs = (name: string) => Object.keys(compose.services[name]?.depends_on ?? {}).toSorted()
  t.same(needs('collector-2'), ['kafka-1', 'keeper'])
  t.same(needs('aggregator-2'), ['clickhouse', 'kafka-1', 'keeper'])
})

t.test('every image is pinned', async (t) => {
  for (const [name, { image }] of services) t.match(image, /:\d+\.\d+\.\d+$/, name)
  const [, tested] = /<kafka.version>([\d.]+)</.exec(textOf('infra/kafka/pom.xml')) ?? []
  t.equal(compose.services['kafka-1']?.image, `apache/kafka:${String(tested)}`, 'what the tests run against')
  for (const [, image = ''] of textOf('Dockerfile').matchAll(/^FROM (\S+)/gm))
    t.match(image, /:\d+\.\d+\.\d+-/)
})

t.test('the image runs as nobody special, and takes no secret in', async (t) => {
  const dockerfile = textOf('Dockerfile')
  t.match(dockerfile, /^USER 1000:1000$/m)
  const ignored = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  t.equal(ignored[0], '*', 'what is not named stays out')
  t.same(
    ignored.filter((line) => line.startsWith('!infra')),
    ['!infra/probe.mjs'],
  )
  t.match(textOf('.gitignore'), /^infra\/secrets\/$/m)
})

t.test('a process of Tacit is given nothing that it does not read, and no secret but by file', async (t) => {
  for (const [name, { environment = {} }] of [...services, ...Object.entries(threeNodes.services)]) {
    t.same(exposedSecrets(environment), [], name)
  }
  for (const [name, { environment = {} }] of ofTacit) t.same(unreadVariables(environment), [], name)
  t.same(unreadVariables({ TACIT_HOST: '', TACIT_HOTS: '' }), ['TACIT_HOTS'])
  t.same(exposedSecrets({ KAFKA_PASSWORD: 'kafka', TACIT_TLS_KEY_FILE: '/run/secrets/tls.key' }), [
    'KAFKA_PASSWORD',
  ])
})

t.test('no file of a deployment holds a key or a password', async (t) => {
  const files = [...filesBelow('infra'), COMPOSE_FILE, KAFKA_3_FILE, 'Dockerfile', '.dockerignore']
  t.ok(files.length > 20)
  for (const path of files) {
    t.notMatch(textOf(path), /-----BEGIN|password=[^%\s]|kind: Secret|<password>/, path)
  }
})

t.test('each file that a process is told of is a secret or a mount of its own', async (t) => {
  for (const [name, service] of ofTacit) {
    const given = new Set(secretsOf(service).map(({ target }) => `/run/secrets/${target}`))
    const mounted = (service.volumes ?? []).map((volume) => /:(\/[\w./-]+)(:ro)?$/.exec(volume)?.[1] ?? '')
    const told = Object.values(service.environment ?? {}).filter((value) => value.startsWith('/'))
    for (const path of told) {
      t.ok(given.has(path) || mounted.some((at) => path.startsWith(at)), `${name} finds ${path}`)
    }
  }
})

t.test('each secret, volume and mount that is named is there, and none is for nobody', async (t) => {
  const all = [...services, ...Object.entries(threeNodes.services)].map(([, service]) => service)
  const used = new Set(all.flatMap(secretsOf).map(({ source }) => source))
  t.same([...used].toSorted(), Object.keys(compose.secrets).toSorted())
  for (const [name, { file }] of Object.entries(compose.secrets)) t.equal(file, `./infra/secrets/${name}`)
  const sources = all.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.replace(/:\/.*$/, '')))
  const declared = [...Object.keys(compose.volumes), ...Object.keys(threeNodes.volumes)]
  t.same(
    declared.filter((volume) => !sources.includes(volume)),
    [],
  )
  for (const source of sources) {
    const path = /^\$\{\w+:-(.+)\}$/.exec(source)?.[1] ?? source
    t.ok(declared.includes(path) || existsSync(join(ROOT, path)), source)
  }
  const data = services.map(([, { volumes = [] }]) => volumes[0])
  t.equal(new Set(data).size, services.length, 'no two share their data')
})

t.test('three nodes of Kafka are the first node three times', async (t) => {
  for (const [index, name] of ['kafka-2', 'kafka-3'].entries()) {
    const node = threeNodes.services[name]
    t.same(node?.extends, { file: COMPOSE_FILE, service: 'kafka-1' })
    t.same(node?.environment, { NODE_ID: String(index + 2), NODE_NAME: name })
    t.same(node?.volumes, [`${name}:/var/lib/kafka/data`])
  }
})
