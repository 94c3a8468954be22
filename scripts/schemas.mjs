/**
 * `node scripts/schemas.mjs COMPOSE_SCHEMA KUBERNETES_SCHEMAS`: makes the two schemas of tests/schemas anew, by which
 * docker-compose.yml and infra/kubernetes are tested where nothing can run them.
 *
 * COMPOSE_SCHEMA      `schemas/compose.schema.json` of the npm package `dclint` (3.1.0): the Compose Specification's own
 *                     schema, Apache-2.0
 * KUBERNETES_SCHEMAS  `kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict` of the Python package
 *                     `kubernetes-validate` (1.37.0): made of the Kubernetes API's definitions, both Apache-2.0
 *
 * They are kept here and no dependency, because of the one only a file is wanted and the other is no npm package. What
 * only people read is left out, and so are the kinds that nothing here uses; a null, which the second takes anywhere, is
 * refused there, because in YAML it is a value that somebody forgot.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const KINDS = [
  'apps.v1.Deployment',
  'apps.v1.StatefulSet',
  'autoscaling.v2.HorizontalPodAutoscaler',
  'core.v1.ConfigMap',
  'core.v1.Namespace',
  'core.v1.PersistentVolumeClaim',
  'core.v1.Service',
  'core.v1.ServiceAccount',
  'networking.k8s.io.v1.Ingress',
  'networking.k8s.io.v1.NetworkPolicy',
  'policy.v1.PodDisruptionBudget',
]
const FOR_PEOPLE = new Set(['$id', '$schema', 'description', 'title'])

/** @typedef {null | boolean | number | string | Json[] | { [key: string]: Json }} Json */

/**
 * The schema without what only people read.
 * @param {Json} value
 * @param {boolean} [isMap] whether keys are names of properties or definitions, which may be called anything
 * @returns {Json}
 */
function bare(value, isMap = false) {
  if (Array.isArray(value)) return value.map((item) => bare(item))
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(
    ([key]) => isMap || !(FOR_PEOPLE.has(key) || key.startsWith('x-kubernetes-')),
  )
  return Object.fromEntries(
    kept.map(([key, item]) => {
      const names = ['properties', 'patternProperties', 'definitions', '$defs'].includes(key)
      return [key, bare(item, !isMap && names)]
    }),
  )
}

/** @param {Json} schema @returns {Json} */
function withoutNull(schema) {
  return JSON.parse(JSON.stringify(schema).replaceAll(/"type":\["(\w+)","null"\]/g, '"type":"$1"'))
}

/**
 * One definition a line, so that a change of the origin shows what changed.
 * @param {string} file
 * @param {{ [key: string]: Json }} schema
 */
function write(file, schema) {
  const lines = Object.entries(schema).map(([key, value]) => {
    if (!['definitions', '$defs', 'properties'].includes(key))
      return `${JSON.stringify(key)}:${JSON.stringify(value)}`
    const inner = Object.entries(value ?? {}).map(
      ([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`,
    )
    return `${JSON.stringify(key)}:{\n${inner.join(',\n')}\n}`
  })
  writeFileSync(join(out, file), `{\n${lines.join(',\n')}\n}\n`)
}

/** @param {{ [name: string]: Json }} all the definitions @param {string[]} wanted */
function reachable(all, wanted) {
  const found = new Map()
  const queue = [...wanted]
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (found.has(name)) continue
    const definition = withoutNull(bare(all[name] ?? null))
    // What a cluster reports is in no manifest.
    if (wanted.includes(name)) delete definition.properties.status
    found.set(name, definition)
    for (const [, next = ''] of JSON.stringify(definition).matchAll(/"#\/\$defs\/([^"]+)"/g)) queue.push(next)
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const out = join(dirname(dirname(fileURLToPath(import.meta.url))), 'tests/schemas')
const [compose = '', kubernetes = ''] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
write('compose.schema.json', bare(JSON.parse(readFileSync(compose, 'utf8'))))
const { $defs } = JSON.parse(readFileSync(join(kubernetes, '_definitions.json'), 'utf8'))
const names = KINDS.map((kind) => `io.k8s.api.${kind.replace('.k8s.io', '')}`)
write('kubernetes.schema.json', { $defs: reachable($defs, names) })
