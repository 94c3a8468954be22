/** The second door, for tests of other rooms. */
export * from './brokers/index.js'
