import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, HOUR, MINUTE, rfc3339 } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { jumpText, watchClock } from './clock-watch.js'
import { dataLayout } from './layout.js'
import type { Jump } from './live-clock.js'
import { isConfirmed, readLiveTime, writeConfirmation, writeLiveTime } from './live-time.js'

const START = Date.parse('2026-11-29T08:37:39Z')
const START_MINUTE = Date.parse('2026-11-29T08:37:00Z')

/** A data directory, and what starts a watch on it at a system time that the test moves. */
function house(t: Test) {
  const layout = dataLayout(t.testdir())
  const time = { system: START, monotonic: 0 }
  const alarms: string[] = []
  const told: string[] = []
  return {
    layout,
    time,
    alarms,
    told,
    pass(ms: number) {
      time.system += ms
      time.monotonic += ms
    },
    async watch() {
      const watch = await watchClock({
        layout,
        alarm: (message) => alarms.push(message),
        system: () => time.system,
        monotonic: () => time.monotonic,
        onJump: ({ atBoot }) => told.push(`jump ${atBoot ? 'at boot' : 'live'}`),
        onConfirm: (_jump, now) => told.push(`confirmed ${rfc3339(now)}`),
      })
      t.teardown(() => watch.close())
      return watch
    },
  }
}

t.test('the last live time is on disk from the start on, each minute, and at the end', async (t) => {
  const { alarms, layout, pass, watch } = house(t)
  const { close, look } = await watch()
  t.same(readLiveTime(layout), { lastLive: START_MINUTE, standsStill: null })
  t.equal(statSync(layout.liveTime).mode & 0o777, 0o600)
  t.equal(
    readFileSync(layout.liveTime, 'utf8'),
    '{"last_live":"2026-11-29T08:37:00Z","stands_still":null}\n',
    'of a time no seconds are kept',
  )
  const { ino } = statSync(layout.liveTime)
  pass(20_000)
  await look()
  t.equal(statSync(layout.liveTime).ino, ino, 'within the minute nothing is written')
  pass(MINUTE)
  await look()
  t.equal(readLiveTime(layout)?.lastLive, START_MINUTE + MINUTE)
  pass(10 * MINUTE)
  await close()
  t.equal(readLiveTime(layout)?.lastLive, START_MINUTE + 11 * MINUTE)
  t.notOk(existsSync(`${layout.liveTime}.new`))
  t.same(alarms, [])
})

t.test('a jump is said once with both times and the command, and the last live time stays', async (t) => {
  const { alarms, layout, pass, time, told, watch } = house(t)
  const { clock, close, look } = await watch()
  time.system += 365 * DAY
  await look()
  pass(5 * MINUTE)
  await look()
  t.equal(clock.now(), START)
  t.same(told, ['jump live'])
  t.equal(alarms.length, 1)
  for (const part of [
    '2027-11-29T08:37:39Z',
    '2026-11-29T08:37:39Z',
    'ahead',
    `--confirm --data ${layout.dir}`,
  ]) {
    t.ok(alarms[0]?.includes(part), part)
  }
  const since = Date.parse('2027-11-29T08:37:39Z')
  t.same(readLiveTime(layout), { lastLive: START_MINUTE, standsStill: { pid: process.pid, since } })
  await close()
  t.same(readLiveTime(layout), { lastLive: START_MINUTE, standsStill: null })
})

t.test('a confirmation is taken up at the next look, once, and the next jump needs its own', async (t) => {
  const { layout, time, told, watch } = house(t)
  const { clock, look } = await watch()
  time.system += 2 * DAY
  await look()
  await writeConfirmation(layout, time.system)
  t.equal(statSync(layout.clockConfirmed).mode & 0o777, 0o600)
  await look()
  t.equal(clock.now(), START + 2 * DAY)
  t.same(told, ['jump live', `confirmed ${rfc3339(START + 2 * DAY)}`])
  t.notOk(existsSync(layout.clockConfirmed))
  t.same(readLiveTime(layout), { lastLive: START_MINUTE + 2 * DAY, standsStill: null })
  time.system -= 2 * DAY
  await look()
  t.ok(clock.standsStill)
})

t.test(
  'one that names another time, is damaged, or was there before the jump, confirms nothing',
  async (t) => {
    const { layout, time, watch } = house(t)
    const { clock, look } = await watch()
    await writeConfirmation(layout, START + DAY)
    time.system += DAY
    await look()
    t.ok(clock.standsStill, 'nobody can have meant this jump')
    t.notOk(existsSync(layout.clockConfirmed))
    for (const off of [HOUR + 1_000, -HOUR - 1_000]) {
      await writeConfirmation(layout, time.system + off)
      await look()
      t.ok(clock.standsStill, String(off))
    }
    for (const text of ['', '{', '{"system_time":"now"}', '{"system_time":1}', '[]']) {
      writeFileSync(layout.clockConfirmed, text)
      await look()
      t.ok(clock.standsStill, text)
    }
    await writeConfirmation(layout, time.system - HOUR + 1_000)
    await look()
    t.notOk(clock.standsStill)
  },
)

t.test('a start a year ahead, or back, stands still until it is confirmed', async (t) => {
  for (const off of [-365 * DAY, HOUR]) {
    const { layout, told, watch } = house(t)
    const lastLive = START_MINUTE + off
    await writeLiveTime(layout, { lastLive, standsStill: null })
    const { clock, look } = await watch()
    t.equal(clock.now(), Math.min(lastLive, START))
    t.same(readLiveTime(layout), { lastLive, standsStill: { pid: process.pid, since: START } })
    await writeConfirmation(layout, START)
    await look()
    t.equal(clock.now(), START)
    t.same(told, ['jump at boot', `confirmed ${rfc3339(START)}`])
  }
})

t.test(
  'a start that was confirmed beforehand goes on; one that was confirmed long before does not',
  async (t) => {
    const { layout, told, watch } = house(t)
    await writeLiveTime(layout, { lastLive: START - 365 * DAY, standsStill: null })
    await writeConfirmation(layout, START - 2 * HOUR)
    t.notOk(isConfirmed(layout, START))
    const stale = await watch()
    t.ok(stale.clock.standsStill)
    await stale.close()
    await writeConfirmation(layout, START - 10 * MINUTE)
    const fresh = await watch()
    t.notOk(fresh.clock.standsStill)
    t.notOk(existsSync(layout.clockConfirmed), 'it held for one start')
    t.same(told, ['jump at boot', `confirmed ${rfc3339(START)}`])
  },
)

t.test('a last live time that is damaged begins nothing, and says what to do', async (t) => {
  for (const text of ['', '{"last_live":"yesterday","stands_still":null}', '{"last_live":0}', 'null']) {
    const { layout, watch } = house(t)
    writeFileSync(layout.liveTime, text)
    await t.rejects(watch(), { code: 'ERR_DATA_DIRECTORY', message: /live-time\.json.*then remove it/ }, text)
  }
})

t.test('a disk that fails is said once, confirms nothing, and is tried again', async (t) => {
  const { alarms, layout, time, watch } = house(t)
  const { clock, look } = await watch()
  const gone = { ...layout, clockConfirmed: join(layout.dir, 'absent', 'x') }
  await t.rejects(writeConfirmation(gone, START), { code: 'ENOENT' })
  // A folder where the new file would be made.
  mkdirSync(`${layout.liveTime}.new`)
  time.system += DAY
  await look()
  await look()
  t.equal(alarms.filter((message) => /look at the disk/.test(message)).length, 1)
  t.ok(clock.standsStill)
  rmdirSync(`${layout.liveTime}.new`)
  await look()
  t.ok(readLiveTime(layout)?.standsStill)
})

t.test('the text says which way it went', async (t) => {
  const jump: Jump = { atBoot: true, trusted: START, system: START - DAY }
  t.match(
    jumpText(jump, '/data'),
    /2026-11-28T08:37:39Z, the last live time is 2026-11-29T08:37:39Z \(a jump back\)/,
  )
  t.match(jumpText({ ...jump, atBoot: false }, '/data'), /it was 2026-11-29T08:37:39Z/)
})

t.test('where the last live time is gone, the last entry of the audit log stands for it', async (t) => {
  const { layout, time, told, watch } = house(t)
  const { audit } = layout.realm('main')
  mkdirSync(audit, { recursive: true })
  const line = (at: string) => `${JSON.stringify({ entry: { seq: 1, time: at }, salt: '' })}\n`
  const lines = line('2026-10-01T00:00:00Z') + line('2026-11-29T08:37:20Z')
  // A crash left the last line half way: it is none.
  writeFileSync(join(audit, 'entries.ndjson'), `${lines}{"entry":{"seq":3,"time":"2027-`)
  t.notOk((await watch()).clock.standsStill, 'the time is near')
  t.same(told, [])
  rmSync(layout.liveTime)
  time.system = START + 366 * DAY
  const { clock } = await watch()
  t.ok(clock.standsStill)
  t.equal(clock.now(), START_MINUTE)
  t.same(told, ['jump at boot'])
})
