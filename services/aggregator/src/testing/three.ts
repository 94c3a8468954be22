/** For tests of the stager: 24 page views of one hour of receipt, in three batches. */
import { HOUR } from '@tacit/contracts'
import type { TestProcess } from './stores.js'
import { DAY_START, EPOCH, pageViews } from './traffic.js'

export const NOON = DAY_START + 12 * HOUR
export const ROWS = pageViews({ tenants: 6, perTenant: 4 }, '/dashboard')

/** Three batches of 8 rows each, received in the first hour. */
export async function sendThree({ collector }: TestProcess): Promise<void> {
  for (const at of [0, 8, 16]) await collector.send(DAY_START, ROWS.slice(at, at + 8))
}

/** Settles what is in the log. @returns rows in staging */
export async function settled(running: TestProcess): Promise<number> {
  await running.collector.watermark(NOON)
  await running.advance(NOON)
  return running.warehouse.stagedRows('day', EPOCH)
}
