import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { isJumpAtBoot, type Jump, LiveClock, type LiveClockOptions } from './live-clock.js'

const START = Date.parse('2026-11-29T08:37:39Z')
const SECOND = 1_000

/** A machine whose two clocks the test moves, and a live clock on it that is looked at every second. */
function machine(options: Partial<LiveClockOptions> = {}, start = START) {
  const time = { system: start, monotonic: 5_000 }
  const jumps: Jump[] = []
  const confirmed: number[] = []
  const clock = new LiveClock({
    lastLive: null,
    system: () => time.system,
    monotonic: () => time.monotonic,
    onJump: (jump) => jumps.push(jump),
    onConfirm: (_jump, now) => confirmed.push(now),
    ...options,
  })
  return {
    clock,
    jumps,
    confirmed,
    time,
    /** @param drift ms by which the system departs in each ms */
    pass(ms: number, drift = 0, lookEvery = SECOND) {
      for (let passed = 0; passed < ms; passed += lookEvery) {
        time.system += lookEvery * (1 + drift)
        time.monotonic += lookEvery
        clock.now()
      }
    },
    step(ms: number) {
      time.system += ms
    },
  }
}

t.test('as long as the system keeps time, the clock is the system’s', async (t) => {
  const { clock, jumps, pass, time } = machine()
  t.equal(clock.now(), START)
  pass(3 * DAY, 0, MINUTE)
  t.equal(clock.now(), time.system)
  t.equal(clock.now(), START + 3 * DAY)
  t.same([clock.jump, clock.standsStill, jumps], [null, false, []])
})

t.test('a step of an hour is followed in both directions, one of more is a jump', async (t) => {
  for (const sign of [1, -1]) {
    const small = machine()
    small.step(sign * HOUR)
    t.equal(small.clock.now(), START + sign * HOUR)
    t.equal(small.clock.jump, null)
    const large = machine()
    large.pass(MINUTE)
    large.step(sign * (HOUR + 1))
    t.equal(large.clock.now(), START + MINUTE, 'at the last time that was trusted')
    const jump = { atBoot: false, trusted: START + MINUTE, system: START + MINUTE + sign * (HOUR + 1) }
    t.same(large.clock.jump, jump)
    t.same(large.jumps, [jump])
  }
})

t.test(
  'after a jump it stands still, is said once, and does not go on when the system comes right',
  async (t) => {
    const { clock, jumps, pass, step } = machine()
    step(365 * DAY)
    pass(2 * HOUR, 0, MINUTE)
    t.equal(clock.now(), START)
    step(-365 * DAY)
    pass(HOUR, 0, MINUTE)
    t.equal(clock.now(), START)
    t.ok(clock.standsStill)
    t.equal(jumps.length, 1)
  },
)

t.test('confirmed, it goes on with the system’s time, and the next jump is one again', async (t) => {
  const { clock, confirmed, jumps, pass, step, time } = machine()
  clock.confirm()
  t.same(confirmed, [], 'there is nothing to confirm')
  step(-2 * DAY)
  t.ok(clock.standsStill)
  pass(MINUTE)
  clock.confirm()
  t.same(confirmed, [START - 2 * DAY + MINUTE])
  pass(MINUTE)
  t.equal(clock.now(), time.system)
  t.equal(clock.now(), START - 2 * DAY + 2 * MINUTE)
  step(HOUR + MINUTE)
  t.ok(clock.standsStill)
  t.equal(jumps.length, 2)
})

t.test('small steps add up: sixty-one of a minute are a jump as one of them is', async (t) => {
  const { clock, pass, step } = machine()
  for (let steps = 0; steps < 60; steps++) {
    step(MINUTE)
    pass(SECOND)
  }
  t.notOk(clock.standsStill)
  const last = clock.now()
  // A minute of passing time forgives two and a half seconds.
  step(MINUTE)
  pass(SECOND)
  t.ok(clock.standsStill)
  t.equal(clock.now(), last)
})

t.test('a step that is taken back adds up to nothing', async (t) => {
  const { clock, pass, step, time } = machine()
  for (let times = 0; times < 50; times++) {
    step(40 * MINUTE)
    pass(SECOND)
    step(-40 * MINUTE)
    pass(SECOND)
  }
  t.equal(clock.now(), time.system)
})

t.test(
  'what NTP slews never adds up, and a clock that runs a tenth too fast is found within a day',
  async (t) => {
    for (const drift of [0.0005, -0.0005]) {
      const slewed = machine()
      slewed.pass(60 * DAY, drift, MINUTE)
      t.equal(slewed.clock.jump, null)
    }
    for (const drift of [0.1, -0.1]) {
      const fast = machine()
      fast.pass(DAY, drift)
      t.ok(fast.clock.standsStill)
    }
  },
)

t.test('a system clock that stopped is a jump back', async (t) => {
  const { clock, time } = machine()
  time.monotonic += HOUR
  t.equal(clock.jump, null)
  time.monotonic += HOUR
  t.same(clock.jump, { atBoot: false, trusted: START, system: START })
})

t.test('a process that was stopped for a day finds no jump: both clocks went on', async (t) => {
  const { clock, time } = machine()
  time.system += DAY
  time.monotonic += DAY
  t.equal(clock.now(), START + DAY)
})

t.test('at boot a step back and more than 35 days ahead are jumps, and nothing else is', async (t) => {
  t.notOk(isJumpAtBoot(START, null))
  t.notOk(isJumpAtBoot(START, START))
  t.ok(isJumpAtBoot(START - 1, START))
  t.notOk(isJumpAtBoot(START + 35 * DAY, START))
  t.ok(isJumpAtBoot(START + 35 * DAY + 1, START))
  t.notOk(machine({ lastLive: START - DAY }).clock.standsStill)
})

t.test(
  'a boot a year ahead stands at the last live time; one that goes back stands at the earlier',
  async (t) => {
    const ahead = machine({ lastLive: START - 365 * DAY })
    t.equal(ahead.clock.now(), START - 365 * DAY)
    t.same(ahead.jumps, [{ atBoot: true, trusted: START - 365 * DAY, system: START }])
    const back = machine({ lastLive: START + 3 * HOUR })
    t.equal(back.clock.now(), START, 'what the later time would destroy stays')
    t.ok(back.clock.standsStill)
    back.pass(HOUR, 0, MINUTE)
    t.equal(back.clock.now(), START)
    back.clock.confirm()
    t.equal(back.clock.now(), START + HOUR)
  },
)

t.test('a boot that was confirmed beforehand goes on, and tells of it', async (t) => {
  const { clock, confirmed, jumps } = machine({ lastLive: START - 365 * DAY, isConfirmed: true })
  t.equal(clock.now(), START)
  t.same([clock.jump, jumps, confirmed], [null, [], [START]])
  t.same(machine({ lastLive: START, isConfirmed: true }).confirmed, [], 'there was nothing to confirm')
})

/** What happens to a machine: a while passes, then its system time steps. */
const happenings = fc.array(
  fc.record({ while: fc.integer({ min: 1, max: 600 }), step: fc.integer({ min: -HOUR, max: HOUR }) }),
  { maxLength: 40 },
)

t.test('whatever the steps, a time that is told is the system’s or the last that was', async (t) => {
  fc.assert(
    fc.property(happenings, (all) => {
      const { clock, pass, step, time } = machine()
      let last = clock.now()
      for (const happening of all) {
        pass(happening.while * SECOND, 0, happening.while * SECOND)
        if (!clock.standsStill) last = clock.now()
        step(happening.step)
        t.equal(clock.now(), clock.standsStill ? last : time.system)
        if (!clock.standsStill) last = clock.now()
      }
    }),
  )
})

t.test(
  'whatever the steps, no more than an hour is gone along with, and an hour more for each day that passes',
  async (t) => {
    fc.assert(
      fc.property(happenings, (all) => {
        const { clock, pass, step, time } = machine()
        const offset = time.system - time.monotonic
        let passed = 0
        for (const happening of all) {
          pass(happening.while * SECOND, 0, happening.while * SECOND)
          passed += happening.while * SECOND
          step(happening.step)
          if (clock.standsStill) return
          const departed = Math.abs(clock.now() - time.monotonic - offset)
          t.ok(departed <= HOUR + passed / 24 + 1)
        }
      }),
    )
  },
)
