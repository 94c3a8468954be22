/**
 * `advance DIR TIME…`: the clock of a data directory goes on to each time (ms), and what it asks for is done: hours
 * settle, windows are released, partitions go. What days of waiting would bring, in a second.
 */
import { openHouse, storedRulebook } from '@tacit/cli'

const [dir = '', ...times] = process.argv.slice(2)
let now = Number(times[0])
const house = await openHouse(dir)
const layout = house.layout.realm('main')
const rulebook = storedRulebook(layout.rulebook)
if (rulebook === null) throw new Error('no rulebook is kept in the directory')
const realm = await house.openRealm({ layout, rulebook, clock: { now: () => now }, ratePerToken: 1 })
for (const time of times) {
  now = Number(time)
  await realm.commit.watermark(now)
  await realm.destroyDue()
  await realm.aggregator.advance(now)
}
await house.close()
