/** What Kafka answers that only an operator can put right: waiting does not help. In fixed words: kafkajs's carry addresses. */
import { TacitError } from '@tacit/contracts'

/** What was thrown, and what that came from. */
export function* causesOf(error: unknown): Generator<Error> {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) yield at
}

/** Whether the other side's certificate is of nobody in TACIT_KAFKA_CA_FILE, of another name, or expired. */
export function isUntrusted(error: unknown): boolean {
  return [...causesOf(error)].some(
    (at) => 'code' in at && typeof at.code === 'string' && /CERT|SIGNATURE/.test(at.code),
  )
}

/** The refusal of what was set up otherwise, and of a user or its password; null for what may pass. */
export function asRefusal(error: unknown): TacitError | null {
  if (error instanceof TacitError) return error
  if (![...causesOf(error)].some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return null
  return new TacitError(
    'ERR_CONFIG_INVALID',
    'Kafka refuses the user or its password: see TACIT_KAFKA_USERNAME and TACIT_KAFKA_PASSWORD_FILE',
    { cause: error },
  )
}

/**
 * For what has nothing to do without Kafka: a certificate that is not trusted is refused, too.
 * @throws TacitError ERR_CONFIG_INVALID naming the variable; what `task` throws where waiting may help
 */
export async function orRefusal<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    const refusal = asRefusal(error)
    if (refusal !== null || !isUntrusted(error)) throw refusal ?? error
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'Kafka’s certificate is not trusted: TACIT_KAFKA_CA_FILE must hold the authority that signed it, and KAFKA_BROKERS the names that are in it',
      { cause: error },
    )
  }
}
