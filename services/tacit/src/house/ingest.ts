/** The way of a beacon until it is in the log: who decides, transforms and seals, under the rulebook that rules. */
import {
  type Anonymizer,
  compileAnonymizer,
  createUserAgentReader,
  createWordLearner,
  MAX_RAW_AGE_MS,
  type WordSink,
} from '@tacit/anonymizer'
import { createTokenVerifier, GroupCommit, Intake } from '@tacit/collector'
import { type Clock, epochOf } from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import {
  createKeyring,
  type KeeperPort,
  type Keyring,
  type KeyScope,
  type LogKeys,
  type Prefetched,
} from '@tacit/keyring'
import { type Rulebook, storedPlans } from '@tacit/rulebook'
import { compileOptions } from './countries.js'
import { loadTokenKeys, watchTokenKeys } from './token-keys.js'
import { WordQueue } from './word-queue.js'

const USER_AGENTS = 20_000

export interface IngestOptions {
  readonly rulebook: Rulebook
  /** ms: events before are late under it */
  readonly notBefore: number
  readonly clock: Clock
  readonly keeper: KeeperPort
  readonly log: EventLog
  readonly logKeys: LogKeys
  /** where words wait for the privacy team */
  readonly dir: string
  /** where the keys lie that verify the ERP's tokens (token-keys.ts); absent: every token is forged */
  readonly tokenKeysFile?: string
  readonly ratePerToken: number
  readonly alarm: (message: string) => void
}

export interface Ingest {
  readonly intake: Intake
  readonly commit: GroupCommit
  /** Prepares another rulebook. @param notBefore ms: events before are late under it @returns lets it decide from now on */
  prepare(next: Rulebook, notBefore: number): () => void
  /** Takes in token keys that changed since they were last looked at. */
  rotateTokenKeys(): Promise<void>
  /**
   * Opens the epochs that run, and goes on fetching keys of the epochs and the hour that begin next, from ten minutes before.
   * A driven run has no use for it: its keeper is in its own process. @param now ms
   */
  prefetch(now: number): Prefetched
  /** Writes what has gathered, and forgets its keys. */
  close(): Promise<void>
}

/** What is learnt about words begins anew with each rulebook; those that enough people used wait for the privacy team. */
function learnWords({ release }: Rulebook, { alarm, clock, dir }: IngestOptions): WordSink {
  const queue = new WordQueue(dir)
  return createWordLearner({
    release,
    clock,
    found: (word) => {
      try {
        queue.add(word)
      } catch {
        // A beacon does not fail for it, and the cause may quote the word.
        alarm('a word that should wait for the privacy team could not be written; look at the disk')
      }
    },
  })
}

/**
 * Opens the epochs that run, and by being used here those that come next: not by the first event, when a root was made would
 * tell the second of it. A keeper that does not answer is asked again, as by a beacon.
 */
function openEpochs(keyring: Keyring, { epochs }: Rulebook, now: number): void {
  for (const stream of epochs.streams) {
    const { label } = epochOf(stream, now)
    const scope: KeyScope = { of: 'tenants' }
    if (keyring.peek(stream, label, scope) === undefined) keyring.load(stream, label, scope).catch(() => {})
  }
}

function both(first: Prefetched, second: Prefetched): Prefetched {
  return { wanted: first.wanted + second.wanted, held: first.held + second.held }
}

/** Builds it; nothing is asked of anybody yet. */
export async function openIngest(options: IngestOptions): Promise<Ingest> {
  const { alarm, clock, keeper, log, logKeys, rulebook } = options
  const keyring: Keyring = createKeyring(keeper, rulebook.purpose.id, {
    clock,
    onUnavailable: () => alarm('the keeper cannot be reached; events whose keys are not here are dropped'),
    onUnreadable: () =>
      alarm(
        'the keeper has roots that its master key does not open (ERR_KEY_MASTER); events that need them are dropped: bring the right master key file back, and start the keeper again',
      ),
  })
  const agents = createUserAgentReader({ maxEntries: USER_AGENTS, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const compile = (book: Rulebook, notBefore: number): Anonymizer =>
    compileAnonymizer(book, {
      ...compileOptions(book, agents, clock),
      plans: storedPlans(book),
      notBefore,
      words: learnWords(book, options),
    })
  const commit = new GroupCommit({ log, logKeys, clock, rulebook: rulebook.hash })
  const intake = new Intake({
    rulebook,
    anonymizer: compile(rulebook, options.notBefore),
    keyring,
    commit,
    tokens: createTokenVerifier(await loadTokenKeys(options.tokenKeysFile), clock),
    clock,
    ratePerToken: options.ratePerToken,
  })
  const tokenKeys = watchTokenKeys(options.tokenKeysFile, alarm)
  return {
    intake,
    commit,
    prepare(next, notBefore) {
      const anonymizer = compile(next, notBefore)
      return () => intake.ruleBy(next, anonymizer)
    },
    async rotateTokenKeys() {
      const keys = await tokenKeys.look()
      if (keys !== null) intake.replaceTokenKeys(keys)
    },
    prefetch(now) {
      openEpochs(keyring, intake.rulebook, now)
      return both(keyring.prefetch(now), logKeys.prefetch(now, commit.producer))
    },
    async close() {
      await commit.drain().catch(() => {})
      keyring.close()
    },
  }
}
