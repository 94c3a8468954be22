/**
 * Apache Kafka without Docker: jars that Maven resolves once, kept in the user's cache folder.
 *
 * Format of `tacit/kafka-<version>-<hash of the pom>/`: `jars/`, `template/` (a formatted data folder without its
 * meta.properties), `java-<version>.done` (the start-up archive was tried) and `java-<version>.jsa` (it worked).
 * Invariants: each of them appears whole, by a rename, under the folder's lock. Recovery: everything named `making-*`
 * is what a killed starter left; the folder may be deleted at any time.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { TacitError } from '@tacit/contracts'
import { lockDirectory, type Release } from '../../directory-lock.js'
import { makeArchive } from './archive.js'
import { format } from './format.js'
import { runGuarded } from './guarded.js'
import { findJava, findMaven, type Java } from './java.js'
import type { KafkaCommand } from './node.js'
import { BrokersUnavailable } from './unavailable.js'

const POM = fileURLToPath(new URL('../../../../../infra/kafka/pom.xml', import.meta.url))
/** Written out in full: Maven would look up the newest one otherwise. */
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
const MAVEN_WITHIN_MS = 5 * 60_000
const LOCK_WITHIN_MS = 7 * 60_000
const LOCK_EVERY_MS = 200
/** A small heap and a quick start: what a test waits for. */
const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const ALWAYS = ['-XX:+ExitOnOutOfMemoryError', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
const MAKING = 'making-'

export interface KafkaHome {
  readonly command: KafkaCommand
  /** a formatted data folder to copy, without meta.properties */
  readonly template: string
}

export interface HomeOptions {
  readonly env: NodeJS.ProcessEnv
  readonly progress: (text: string) => void
  /** the JVM's options; absent: those for tests */
  readonly jvm?: readonly string[] | undefined
}

/** The version of Kafka that the tests run on, as `infra/kafka/pom.xml` pins it. */
export function kafkaVersion(): string {
  return /<kafka\.version>([\d.]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ?? ''
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 8)
  const base = env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(base, 'tacit', `kafka-${kafkaVersion()}-${hash}`)
}

/** Waits for whoever fetches the same now. */
async function lock(dir: string): Promise<Release> {
  const deadline = performance.now() + LOCK_WITHIN_MS
  for (;;) {
    try {
      return await lockDirectory(dir)
    } catch (error) {
      const isBusy = error instanceof TacitError && error.code === 'ERR_DATA_IN_USE'
      if (isBusy && performance.now() < deadline) {
        await sleep(LOCK_EVERY_MS)
        continue
      }
      throw new BrokersUnavailable(
        isBusy
          ? 'Another process does not end fetching Apache Kafka: end it.'
          : 'The cache folder cannot be written: correct its owner and mode, or set XDG_CACHE_HOME.',
        { cause: error },
      )
    }
  }
}

async function fetchJars(making: string, { env, progress }: HomeOptions): Promise<void> {
  const maven = await findMaven(env)
  progress(`Fetching Apache Kafka ${kafkaVersion()} with Maven (once, about 45 MB)`)
  const args = ['-B', '-ntp', '-q', '-f', POM, COPY, `-DoutputDirectory=${making}`, '-DincludeScope=runtime']
  const { code } = await runGuarded(maven, args, { cwd: making, env, timeoutMs: MAVEN_WITHIN_MS })
  if (code === 0) return
  throw new BrokersUnavailable(
    `Maven cannot resolve Apache Kafka ${kafkaVersion()}. See why with: mvn -f infra/kafka/pom.xml dependency:resolve`,
  )
}

async function commandOf(dir: string, java: Java, jvm: readonly string[]): Promise<KafkaCommand> {
  const jars = (await readdir(join(dir, 'jars'))).filter((name) => name.endsWith('.jar')).sort()
  const classPath = jars.map((name) => join(dir, 'jars', name)).join(delimiter)
  const archive = join(dir, `java-${java.version}.jsa`)
  const shared = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
  return { java: java.path, args: [...jvm, ...ALWAYS, ...shared, '-cp', classPath] }
}

/** Makes what is missing, in order; a step that fails leaves nothing of itself. */
async function make(dir: string, java: Java, options: HomeOptions): Promise<void> {
  const release = await lock(dir)
  try {
    for (const name of await readdir(dir)) {
      if (name.startsWith(MAKING)) await rm(join(dir, name), { recursive: true, force: true })
    }
    const making = await mkdtemp(join(dir, MAKING))
    if (!existsSync(join(dir, 'jars'))) {
      await mkdir(join(making, 'jars'))
      await fetchJars(join(making, 'jars'), options)
      await rename(join(making, 'jars'), join(dir, 'jars'))
    }
    const command = await commandOf(dir, java, JVM)
    if (!existsSync(join(dir, 'template'))) {
      await rename(await format(command, making), join(dir, 'template'))
    }
    if (!existsSync(doneFile(dir, java))) {
      options.progress('Preparing quick starts (once)')
      const archive = await makeArchive(command, making, join(dir, 'template'))
      if (archive !== null) await rename(archive, join(dir, `java-${java.version}.jsa`))
      await writeFile(doneFile(dir, java), '')
    }
    await rm(making, { recursive: true, force: true })
  } finally {
    await release()
  }
}

const doneFile = (dir: string, java: Java): string => join(dir, `java-${java.version}.done`)

/** Kafka, ready to be started; fetched where it was not before. @throws BrokersUnavailable */
export async function kafkaHome(options: HomeOptions): Promise<KafkaHome> {
  const java = await findJava(options.env)
  const dir = cacheFolder(options.env)
  if (!existsSync(doneFile(dir, java))) await make(dir, java, options)
  return { command: await commandOf(dir, java, options.jvm ?? JVM), template: join(dir, 'template') }
}
