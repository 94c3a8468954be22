/** The second door, for tests of other rooms: the format of what lies on the disk, and certificates. */
export { unwrapSecret, wrapSecret } from '../wrapping.js'
export { createTestCa, type Subject, type TestCa, withoutOpenssl } from './certificates.js'
export { unwrapped } from './unwrapped.js'
