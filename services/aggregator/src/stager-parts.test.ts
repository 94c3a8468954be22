/** What the stager makes of a part of the log that is damaged, or not all here. */
import { join } from 'node:path'
import type { LogPart } from '@tacit/event-log'
import t from 'tap'
import { erpRulebook, TestStores, testServer } from './testing/stores.js'
import { ROWS, sendThree, settled } from './testing/three.js'
import { DAY_START, EPOCH } from './testing/traffic.js'

const server = await testServer(t)
const rulebook = erpRulebook('pages')
const dir = t.testdir()

t.test('L5: damaged records are counted and skipped', async (t) => {
  const stores = new TestStores(join(dir, 'damaged'), server, 'damaged', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open((doors) => ({
    ...doors,
    log: {
      ...doors.log,
      parts(group) {
        const [part] = doors.log.parts(group)
        const read: LogPart['read'] = (...args) => {
          const slice = part.read(...args)
          const records = slice.records.filter(({ position }) => position !== 2)
          return { ...slice, records, corrupt: slice.records.length - records.length }
        }
        return [{ ...part, read }]
      },
    },
  }))
  await sendThree(running)
  t.equal(await settled(running), ROWS.length - 8)
  t.equal(running.state.corruptRecords, 1)
  t.equal(
    running.aggregator.ledger().reduce((sum, row) => sum + row.accepted, 0),
    ROWS.length - 8,
  )
  t.equal(await running.aggregator.stage(), 0, 'the cursor passed the damage')
  await running.close()
})

t.test(
  'an insert that another process left open is taken up once all of it is here, and not before',
  async (t) => {
    const stores = new TestStores(join(dir, 'open'), server, 'open', rulebook)
    stores.keeper.openEpoch(EPOCH)
    let here = 3
    const running = await stores.open((doors) => ({
      ...doors,
      log: {
        ...doors.log,
        parts(group) {
          const [part] = doors.log.parts(group)
          const read: LogPart['read'] = (after, ...rest) => {
            const slice = part.read(after, ...rest)
            const records = slice.records.filter(({ position }) => position <= here)
            return { ...slice, records, last: records.at(-1)?.position ?? after }
          }
          return [{ ...part, read }]
        },
      },
    }))
    await sendThree(running)
    const [part] = running.log.parts('aggregator')
    await part.commit({ position: 0, boundary: JSON.stringify({ last: 3, attempt: 0 }) })
    here = 2
    t.equal(await running.aggregator.stage(), 0)
    t.same(part.cursor(), { position: 0, boundary: '{"last":3,"attempt":0}' }, 'the boundary stands')
    here = 3
    t.equal(await running.aggregator.stage(), 3)
    t.equal(part.cursor().position, 3)
    await running.close()
  },
)

t.test('what is opened ahead of a step that fails is opened again, and counts once', async (t) => {
  const stores = new TestStores(join(dir, 'ahead'), server, 'ahead', rulebook)
  stores.keeper.openEpoch(EPOCH)
  let part: LogPart | null = null
  let readAhead = 0
  let commits = 0
  const running = await stores.open((doors) => ({
    ...doors,
    log: {
      ...doors.log,
      parts(group) {
        const [real] = doors.log.parts(group)
        part ??= {
          ...real,
          cursor: () => real.cursor(),
          read(...args) {
            // A boundary is committed, and what is read lies behind it.
            const { boundary } = real.cursor()
            const last =
              boundary === null ? Number.POSITIVE_INFINITY : (JSON.parse(boundary) as { last: number }).last
            if (args[0] >= last) readAhead++
            return real.read(...args)
          },
          async commit(cursor) {
            commits++
            if (commits === 2) throw new Error('the disk is away')
            await real.commit(cursor)
          },
        }
        return [part as LogPart & { readonly part: 0 }]
      },
    },
  }))
  // Three steps of at most 8 MiB.
  const wide = ROWS.map((row, at) => ({ ...row, dims: { path: `/${String(at)}`.padEnd(900_000, 'x') } }))
  for (const row of wide) await running.collector.send(DAY_START, [row])
  await t.rejects(running.aggregator.stage(), { message: 'the disk is away' })
  t.ok(readAhead > 0, 'the next step was opened meanwhile')
  await running.aggregator.stage()
  t.equal(await settled(running), ROWS.length)
  t.equal(
    running.aggregator.ledger().reduce((sum, row) => sum + row.accepted, 0),
    ROWS.length,
  )
  await running.close()
})
