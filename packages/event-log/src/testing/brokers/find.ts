/**
 * Finds brokers for tests: those that `KAFKA_BROKERS` names; else one in a container, where a Docker engine answers;
 * else the jars, where Java is and Maven can fetch them; else none, with the reason. Whoever ends brokers takes the jars.
 */
import { startBrokers } from './cluster.js'
import { membersSeenBy } from './control.js'
import { dockerAnswers, startInDocker } from './docker.js'
import { kafkaHome, kafkaVersion } from './home.js'
import { freePorts } from './ports.js'
import { BrokersUnavailable } from './unavailable.js'

/** Brokers that a test uses and does not harm. */
export interface OpenBrokers {
  readonly way: 'named' | 'docker' | 'jars'
  /** `host:port` of each, plaintext */
  readonly brokers: readonly string[]
  /** copies of a partition that they can keep */
  readonly replication: 1 | 3
  /** Ends what was started for this caller. Named brokers stay, with what was made there. */
  stop(): Promise<void>
}

/** `use`: for `openBrokers`. `control`: for `startBrokers`, which always starts its own. */
export type Need = 'use' | 'control'

function named(env: NodeJS.ProcessEnv): string[] {
  return (env['KAFKA_BROKERS'] ?? '').split(',').flatMap((entry) => entry.trim() || [])
}

async function withoutJars(env: NodeJS.ProcessEnv): Promise<string | false> {
  try {
    await kafkaHome({ env, progress: (text) => process.stderr.write(`${text}\n`) })
    return false
  } catch (error) {
    if (error instanceof BrokersUnavailable) return error.message
    throw error
  }
}

async function reason(need: Need, env: NodeJS.ProcessEnv): Promise<string | false> {
  // Tests that end brokers start their own from the jars, whatever is named: those are not theirs to end, and containers
  // come up again on other ports.
  if (need === 'use' && (named(env).length > 0 || (await dockerAnswers(env)))) return false
  const missing = await withoutJars(env)
  if (missing === false || need === 'control') return missing
  return `${missing} Or start a Docker engine, or set KAFKA_BROKERS.`
}

const known = new Map<Need, Promise<string | false>>()

/**
 * Why a test with brokers cannot run here, for tap's `skip`; false where it can. Fetches Kafka where that is missing,
 * so that no test's own time goes into it.
 * @param env for tests of this function; answers for the process's own are remembered
 */
export function brokersSkip(need: Need = 'control', env = process.env): Promise<string | false> {
  if (env !== process.env) return reason(need, env)
  const answer = known.get(need) ?? reason(need, env)
  known.set(need, answer)
  return answer
}

/** A test that names brokers wants them used: where they do not answer it fails, it is not skipped. */
async function openNamed(brokers: readonly string[]): Promise<OpenBrokers> {
  const seen = await membersSeenBy({ brokers, tls: null, sasl: null })
  if (seen === null) throw new Error('The brokers that KAFKA_BROKERS names do not answer in plaintext.')
  return {
    way: 'named',
    brokers,
    replication: seen.ids.length >= 3 ? 3 : 1,
    stop: async () => undefined,
  }
}

/**
 * Plaintext brokers for a test that needs no control over them: its topics and groups carry random names.
 * @throws BrokersUnavailable where there are none: ask `brokersSkip('use')` first
 */
export async function openBrokers(): Promise<OpenBrokers> {
  const brokers = named(process.env)
  if (brokers.length > 0) return openNamed(brokers)
  if (await dockerAnswers(process.env)) {
    const [port = 0] = await freePorts(1)
    const started = await startInDocker(kafkaVersion(), port)
    return { way: 'docker', replication: 1, ...started }
  }
  const own = await startBrokers()
  return { way: 'jars', brokers: own.brokers, replication: 1, stop: () => own.stop() }
}
