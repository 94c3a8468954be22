/** No brokers can be had here; the message says why and what to do, and serves as a test's reason to skip. */
export class BrokersUnavailable extends Error {
  override readonly name = 'BrokersUnavailable'
}
