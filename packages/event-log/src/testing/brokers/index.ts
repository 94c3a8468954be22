/** Real Kafka brokers for tests. */
export { startBrokers } from './cluster.js'
export { brokersSkip, type Need, type OpenBrokers, openBrokers } from './find.js'
export { type Guarded, spawnGuarded } from './guarded.js'
export { kafkaHome } from './home.js'
export { freePorts, isFree } from './ports.js'
export type { Access, BrokerNode, BrokerOptions, Brokers } from './shapes.js'
export { TcpProxy } from './tcp-proxy.js'
export { BrokersUnavailable } from './unavailable.js'
