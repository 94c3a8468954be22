/** Which of several keepers one is must survive every crash. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openKeyFiles } from '../key-files.js'
import { VolatileDisk } from '../testing/volatile-disk.js'
import { type Standing, TERM_FILE, TermFile } from './term-file.js'

const CHANGES: readonly Partial<Standing>[] = [
  { state: 'standby' },
  { synced: 1_000 },
  { synced: 2_000, handedOver: true },
  { state: 'promoting', term: 1, stopped: 3_000 },
  { state: 'primary' },
  { state: 'fenced' },
]

const FIRST: Standing = { term: 0, state: 'primary', synced: null, stopped: null, handedOver: false }

t.test('a loss of power at any step leaves the former standing or the new one', async (t) => {
  let lives = 0
  for (let at = 0; at < 60; at++) {
    for (const numbers of [[0], [1], [0, 1], [2, 1, 0]]) {
      const disk = new VolatileDisk()
      let index = 0
      let done = 0
      try {
        const file = await TermFile.open(disk.open({ at, kind: 'power' })('keys'))
        for (const change of CHANGES) {
          await file.save(change)
          done++
        }
      } catch {}
      disk.losePower((n) => (numbers[index++ % numbers.length] ?? 0) % n)
      const after = await TermFile.open(disk.open()('keys'))
      const standingAfter = (count: number): Standing => Object.assign({}, FIRST, ...CHANGES.slice(0, count))
      const { number: _, ...found } = after.now as Standing & { number: number }
      const expected = [standingAfter(done), standingAfter(done + 1)].map((standing) =>
        JSON.stringify(sorted(standing)),
      )
      t.ok(expected.includes(JSON.stringify(sorted(found))), `${at} ${numbers}`)
      await after.save({ state: 'fenced' })
      t.equal((await TermFile.open(disk.open()('keys'))).now.state, 'fenced')
      lives++
    }
  }
  t.equal(lives, 240)
})

const sorted = (standing: Standing): unknown =>
  Object.entries(standing).toSorted(([a], [b]) => (a < b ? -1 : 1))

t.test('a damaged file ends everything, where a primary could come back of it', async (t) => {
  const dir = t.testdir()
  const file = await TermFile.open(openKeyFiles(dir))
  t.notOk(file.isThere)
  await file.save({ state: 'fenced' })
  writeFileSync(join(dir, TERM_FILE), Buffer.alloc(512, 7))
  await t.rejects(TermFile.open(openKeyFiles(dir)), { code: 'ERR_KEY_STORE' })
})
