/**
 * A collector in a process of its own, with its keeper in the same one, or asking one over mutual TLS:
 * `node collector-process.js [URL CERT KEY CA]`. Says by IPC where it listens, with beacons that it will accept; to any
 * message it answers with what became of the events since the last one.
 */
import { connectKeeper, type RemoteKeeper } from '@tacit/keeper'
import { pageView, startCollector } from './collector.js'

/** What it says first. */
export interface Listening {
  readonly port: number
  /** bodies of beacons, each of a person of one of the tenants */
  readonly beacons: readonly string[]
}

const TENANTS = 100
const BEACONS = 1_000

const [url, cert, key, ca] = process.argv.slice(2)
let remote: RemoteKeeper | null = null
if (url !== undefined && cert !== undefined && key !== undefined && ca !== undefined) {
  remote = connectKeeper({ urls: [url], tls: { cert, key, ca } })
}
const keeper = remote
const collector = await startCollector(keeper === null ? {} : { wayToKeeper: () => keeper.port })
let outcomes: Record<string, number> = {}
const { commit } = collector
const { accepted, dropped } = commit
const count = (outcome: string): void => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}
commit.accepted = (hour) => {
  count('accepted')
  accepted.call(commit, hour)
}
commit.dropped = (hour, reason) => {
  count(reason)
  dropped.call(commit, hour, reason)
}
const beacons = Array.from({ length: BEACONS }, (_, at) => {
  const token = collector.token({ tenant: `t-${String(at % TENANTS)}`, sub: `person-${String(at)}` })
  return collector.beacon([pageView(), pageView()], { token })
})
process.send?.({ port: collector.port, beacons } satisfies Listening)
process.on('message', () => {
  process.send?.(outcomes)
  outcomes = {}
})
process.on('disconnect', async () => {
  await collector.close()
  await keeper?.close()
})
