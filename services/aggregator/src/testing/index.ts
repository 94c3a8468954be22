/** The second door, for tests of other rooms: an aggregator on real stores, and what is sent to it. */
export { erpRulebook, type TestProcess, TestStores, testServer } from './stores.js'
export { DAY_START, EPOCH, pageViews, type Row } from './traffic.js'
export { behind, type Hook } from './interrupt.js'
