/**
 * Lives of the keeper's house in a process of their own, so that SIGKILL is real. It loads everything, then lives one
 * order after the other (a line on stdin each, life-order.ts), and tells on stdout what happened. Between two orders
 * everything is closed and opened again.
 */
import { createInterface } from 'node:readline'
import { report } from './dying-files.js'
import type { LifeOrder } from './life-order.js'
import { Operation, threeStreams } from './operation.js'

const rulebook = threeStreams()
for await (const line of createInterface(process.stdin)) {
  const order = JSON.parse(line) as LifeOrder
  const operation = await Operation.open(order, rulebook)
  await operation.run()
  await operation.close()
  // Opened after its time was over, it lived for that moment: time never goes back.
  report({ r: 'ended', at: Math.max(order.from, order.until) })
}
process.exit(0)
