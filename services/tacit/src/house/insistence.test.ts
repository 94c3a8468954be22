import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { Insistence, LastingAlarm } from './insistence.js'

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await wait(2)
}

t.test('what fails is tried again until it is done, and said once', async (t) => {
  const said: string[] = []
  let calls = 0
  const insistence = new Insistence({
    task: async () => {
      calls += 1
      if (calls < 4) throw new Error('not yet')
    },
    alarm: (message) => said.push(message),
    text: 'it waits',
    againMs: 1,
  })
  insistence.start()
  await until(() => calls === 4)
  await wait(20)
  t.equal(calls, 4, 'done is done')
  t.same(said, ['it waits'])
  await insistence.stop()
})

t.test('what is asked for while an attempt runs is done after it, one at a time', async (t) => {
  let running = 0
  let calls = 0
  const insistence = new Insistence({
    task: async () => {
      calls += 1
      t.equal(++running, 1)
      await wait(5)
      running -= 1
    },
    alarm: t.fail,
    text: '',
  })
  insistence.start()
  insistence.start()
  insistence.start()
  await until(() => calls === 2 && running === 0)
  await wait(20)
  t.equal(calls, 2)
  await insistence.stop()
})

t.test('after a stop nothing is tried any more', async (t) => {
  let calls = 0
  const task = async () => {
    calls += 1
    throw new Error('never')
  }
  const insistence = new Insistence({ task, alarm: () => undefined, text: '', againMs: 1 })
  insistence.start()
  await insistence.stop()
  const before = calls
  insistence.start()
  await wait(20)
  t.equal(calls, before)
})

t.test('what lasts is said again after an hour, and at once where it came again', async (t) => {
  let now = 1_000
  t.intercept(performance, 'now', { value: () => now })
  const said: string[] = []
  const alarm = new LastingAlarm((message) => said.push(message))
  for (const minute of [0, 1, 59]) {
    now = 1_000 + minute * 60_000
    alarm.raise('it lasts')
  }
  t.equal(said.length, 1)
  now = 1_000 + 60 * 60_000
  alarm.raise('it lasts')
  t.equal(said.length, 2)
  alarm.end()
  alarm.raise('it lasts')
  t.equal(said.length, 3)
})
