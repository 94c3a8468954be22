/** What deploys Tacit, as the tests of this folder read it: text, YAML documents, and the schemas that they must fit. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environmentSchema } from '@tacit/cli'
import { Ajv, type ValidateFunction } from 'ajv'
import { parseAllDocuments } from 'yaml'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..')
export const COMPOSE_FILE = 'docker-compose.yml'
export const KAFKA_3_FILE = 'infra/compose-kafka-3.yml'

/** @param path relative to the root */
export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Every YAML document of a text; merge keys are followed, as Docker Compose and kubectl do. @throws Error of a syntax */
export function documentsIn(text: string): readonly unknown[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    return document.toJS() as unknown
  })
}

/** Files below a folder that are part of a deployment, relative to the root; what was made there is none. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((path) => !/^infra\/(\.secrets-|secrets\/)/.test(path))
    .sort()
}

function compiler(): Ajv {
  // The schemas say `format: duration` and the like, which only describe.
  return new Ajv({ strict: false, allErrors: true, validateFormats: false })
}

const schemaOf = (name: string): object => JSON.parse(textOf(`tests/schemas/${name}.schema.json`)) as object

/** What is wrong, in words; empty where nothing is. */
export type Check = (value: unknown) => readonly string[]

function checkBy(validate: ValidateFunction): Check {
  return (value) =>
    validate(value)
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
        )
}

/** By the Compose Specification (tests/schemas, made by scripts/schemas.mjs). */
export const checkCompose: Check = checkBy(compiler().compile(schemaOf('compose')))

const kubernetes = compiler().addSchema(schemaOf('kubernetes'), 'kubernetes')

/** By the definitions of the Kubernetes API, strictly: a field that the API does not know is an error. */
export const checkManifest: Check = (value) => {
  const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string }
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  const name = `io.k8s.api.${group.replace('.k8s.io', '')}.${version}.${kind}`
  const validate = kubernetes.getSchema(`kubernetes#/$defs/${name}`)
  return validate === undefined ? [`no schema of ${apiVersion} ${kind}`] : checkBy(validate)(value)
}

/** Read by Node itself. */
const OF_NODE = ['NODE_EXTRA_CA_CERTS']

/** Variables of a process of Tacit that nothing reads. */
export function unreadVariables(environment: Readonly<Record<string, unknown>>): string[] {
  const read = new Set([...Object.keys(environmentSchema.shape), ...OF_NODE])
  return Object.keys(environment).filter((name) => !read.has(name))
}

/** Variables whose name promises a secret and whose value is anything but the place of a file. */
export function exposedSecrets(environment: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(environment)
    .filter(([name]) => /PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL/.test(name) && !name.endsWith('_URL'))
    .filter(([, value]) => typeof value !== 'string' || !/^\/(run|etc|var)\/[\w./-]+$/.test(value))
    .map(([name]) => name)
}
