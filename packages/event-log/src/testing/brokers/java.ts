/** The programs that the way without Docker needs. */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { runGuarded } from './guarded.js'
import { BrokersUnavailable } from './unavailable.js'

const MINIMUM_JAVA = 17
const VERSION_WITHIN_MS = 20_000

async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

export interface Java {
  readonly path: string
  /** such as `17.0.15` */
  readonly version: string
}

/** Java by `JAVA_HOME`, else by `PATH`. @throws BrokersUnavailable where it is missing or too old */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java> {
  const home = env['JAVA_HOME']
  const path =
    (home ? await onPath('java', { PATH: join(home, 'bin') }) : null) ?? (await onPath('java', env))
  const advice = `Install Java ${MINIMUM_JAVA} or newer, or set JAVA_HOME to it.`
  if (path === null) throw new BrokersUnavailable(`Java is missing. ${advice}`)
  const { output } = await runGuarded(path, ['-version'], { cwd: '/', env, timeoutMs: VERSION_WITHIN_MS })
  const version = /version "([\d.]+)/.exec(output)?.[1]
  if (version === undefined) throw new BrokersUnavailable(`Java does not run. ${advice}`)
  if (Number.parseInt(version, 10) < MINIMUM_JAVA) {
    throw new BrokersUnavailable(`Java ${version} is too old for Apache Kafka. ${advice}`)
  }
  return { path, version }
}

/** @throws BrokersUnavailable where Maven is missing */
export async function findMaven(env: NodeJS.ProcessEnv): Promise<string> {
  const path = await onPath('mvn', env)
  if (path !== null) return path
  throw new BrokersUnavailable(
    'Maven (mvn) is missing, which fetches Apache Kafka the first time. Install it.',
  )
}
