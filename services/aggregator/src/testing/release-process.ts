/**
 * For tests, run as a process of its own: opens stores that another process left, lets a window close, and ends itself
 * with SIGKILL at a point of the release. Arguments: the JSON of {@link ReleaseProcess}.
 */
import type { KillPoint, ReleaseProcess } from './release-process-options.js'
import { type Doors, TestStores } from './stores.js'
import { EPOCH } from './traffic.js'
import { noisedUse } from './use.js'

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable')
}

/** A thing of which each call may be the last. */
function mortal<T extends object>(name: string, target: T, point: KillPoint, calls: Map<string, number>): T {
  return new Proxy(target, {
    get(real, key) {
      const member = Reflect.get(real, key, real) as unknown
      if (typeof member !== 'function') return member
      const bound = (member as (...args: readonly unknown[]) => unknown).bind(real)
      const call = `${name}.${String(key)}`
      if (call !== point.call && call !== 'warehouse.clean') return bound
      return (...args: readonly unknown[]) => {
        const at = (calls.get(call) ?? 0) + 1
        calls.set(call, at)
        const isDue = call === point.call && at === (point.nth ?? 1)
        if (isDue && point.when === 'before') die()
        const result = bound(...args)
        if (isDue && point.when === 'during') setTimeout(die, 3)
        if (!(result instanceof Promise)) return isDue && point.when === 'after' ? die() : result
        return result.then((value: unknown) => {
          if (isDue && point.when === 'after') die()
          return call === 'warehouse.clean' ? mortal('rows', value as object, point, calls) : value
        })
      }
    },
  })
}

const { database, dir, now, point, server } = JSON.parse(process.argv[2] ?? '') as ReleaseProcess
const stores = new TestStores(dir, server, database, noisedUse())
const calls = new Map<string, number>()
stores.record = mortal('evidence', { record: stores.record }, point, calls).record
stores.keeper.openEpoch(EPOCH)
const running = await stores.open(
  (doors: Doors): Doors => ({
    ...doors,
    state: mortal('state', doors.state, point, calls),
    warehouse: mortal('warehouse', doors.warehouse, point, calls),
  }),
)
await running.advance(now)
await running.close()
process.stdout.write('it came to its end\n')
