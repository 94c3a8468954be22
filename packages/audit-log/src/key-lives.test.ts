import fc from 'fast-check'
import t from 'tap'
import { DESTROY_AFTER_MS, type LifeRules, readSpan } from './key-lives.js'
import { DAY_KEY, type Step, writeLife } from './testing/sample-lives.js'
import { bytesOf, headBytes, newSigner } from './testing/sample-log.js'
import { verifyLog } from './verify-log.js'

const signer = newSigner()
const TENANT = `tenant:${'ab'.repeat(16)}`
const RULES: LifeRules = { destroyAfterMs: DESTROY_AFTER_MS }

/** What is found, each with the number of its entry. */
function judge(steps: readonly Step[], rules = RULES): string[] {
  const { heads, lines } = writeLife(signer, steps)
  const { publicKey } = signer
  const { findings } = verifyLog({
    entries: bytesOf(lines),
    heads: headBytes(heads),
    publicKey,
    lives: rules,
  })
  return findings.map(({ code, seq }) => `${code} ${String(seq)}`)
}

const BIRTH: Step = ['created', '2026-08-05T00:00:00Z']
const DYING: Step = ['destroying', '2026-08-08T00:00:00Z']
const DEATH: Step = ['destroyed', '2026-08-08T00:00:00Z']
const SOUND: readonly Step[] = [
  BIRTH,
  ['handed', '2026-08-05T00:00:01Z'],
  ['closed', '2026-08-06T01:00:00Z'],
  ['reconciled', '2026-08-07T01:00:00Z'],
  DYING,
  DEATH,
]

t.test('a life as it must be has nothing to find, and neither has one that still has time', async (t) => {
  t.same(judge(SOUND), [])
  for (let length = 1; length < SOUND.length; length += 1) t.same(judge(SOUND.slice(0, length)), [])
  t.same(judge([...SOUND, ['withheld', '2026-08-09T00:00:00Z']]), [], 'a standby that withholds it made none')
})

t.test('a key that is made twice is found, whether the first one lives or is dead', async (t) => {
  t.same(judge([BIRTH, BIRTH]), ['key_twice 2'])
  t.same(judge([...SOUND, ['created', '2026-08-09T00:00:00Z']]), ['key_twice 7'])
  const later = ['2026-08-09T00:00:00Z', TENANT] as const
  t.same(
    judge([
      ['created', ...later],
      ['destroying', ...later],
      ['destroyed', ...later],
      ['created', ...later],
    ]),
    ['key_twice 4'],
  )
})

t.test('steps that are missing, or come after the end, are found', async (t) => {
  t.same(judge([BIRTH, DEATH]), ['key_order 2'], 'destroyed without destroying')
  t.same(judge([DEATH]), ['key_order 1'], 'destroyed without created')
  t.same(judge([['closed', '2026-08-06T01:00:00Z']]), ['key_order 1'], 'closed without created')
  for (const step of ['handed', 'closed', 'held', 'reconciled', 'destroying', 'destroyed']) {
    t.same(judge([...SOUND, [step, '2026-08-08T00:00:00Z']]), ['key_order 7'], step)
  }
  t.same(judge([['created', '2026-08-05T00:00:00Z', 'day:2026-02-31']]), ['key_order 1'], 'no such day')
})

t.test('a key that died before it was made is found', async (t) => {
  const written = '2026-08-25T00:00:00Z'
  for (const [moment, found] of [
    ['1970-01-01T00:00:00Z', ['key_order 2', 'key_order 3']],
    ['2026-08-04T23:59:59Z', ['key_order 2', 'key_order 3']],
    ['2026-08-05T00:00:00Z', []],
  ] as const) {
    t.same(
      judge([BIRTH, ['destroying', moment, DAY_KEY, written], ['destroyed', moment, DAY_KEY, written]]),
      found,
      moment,
    )
  }
})

/** A life of one key from the moment of its making to that of its death. */
const lifeOf = (key: string, made: string, died: string, ...between: readonly Step[]): readonly Step[] => [
  ['created', made, key],
  ...between,
  ['destroying', died, key],
  ['destroyed', died, key],
]

t.test(
  'a key that dies after its deadline and the grace is found, and one second before is not',
  async (t) => {
    const cases: readonly (readonly [string, string, string, string])[] = [
      ['day:2026-08-05', '2026-08-05T00:00:00Z', '2026-08-08T00:10:00Z', '2026-08-08T00:10:01Z'],
      ['week:2026-08-03', '2026-08-03T00:00:00Z', '2026-08-12T00:10:00Z', '2026-08-12T00:10:01Z'],
      ['month:2026-08', '2026-08-01T00:00:00Z', '2026-09-03T00:10:00Z', '2026-09-03T00:10:01Z'],
      ['hour:2026-08-05T10', '2026-08-05T10:00:00Z', '2026-08-06T10:10:00Z', '2026-08-06T10:10:01Z'],
    ]
    for (const [key, made, latest, late] of cases) {
      t.same(judge(lifeOf(key, made, latest)), [], key)
      t.same(judge(lifeOf(key, made, late)), ['key_late 3'], key)
    }
    const [, made, , late] = cases[0] as (typeof cases)[number]
    t.same(judge(lifeOf(DAY_KEY, made, late), { ...RULES, graceMs: 700_000 }), [])
    t.same(judge(lifeOf(DAY_KEY, made, '2026-08-07T00:11:00Z'), { destroyAfterMs: 86_400_000 }), [
      'key_late 3',
    ])
  },
)

t.test('one that is held has a day more, once, however often it is held', async (t) => {
  const held: Step = ['held', '2026-08-07T00:00:00Z', DAY_KEY]
  const made = '2026-08-05T00:00:00Z'
  t.same(judge(lifeOf(DAY_KEY, made, '2026-08-09T00:10:00Z', held, held)), [])
  t.same(judge(lifeOf(DAY_KEY, made, '2026-08-09T00:10:01Z', held, held)), ['key_late 5'])
})

t.test('an hour’s key that is held has no moment more', async (t) => {
  const [key, made] = ['hour:2026-08-05T10', '2026-08-05T10:00:00Z']
  const held: Step = ['held', '2026-08-05T11:00:00Z', key]
  t.same(judge(lifeOf(key, made, '2026-08-06T10:10:00Z', held)), [])
  t.same(judge(lifeOf(key, made, '2026-08-06T10:10:01Z', held)), ['key_late 4'])
})

t.test('a key that lives when it should be dead is found, by whatever the log says last', async (t) => {
  t.same(judge([BIRTH, ['boot', '2026-08-08T00:10:00Z']]), [])
  t.same(judge([BIRTH, ['boot', '2026-08-08T00:10:01Z']]), ['key_living 1'])
  const other: Step = ['created', '2026-08-09T00:00:00Z', 'day:2026-08-09']
  t.same(judge([BIRTH, DYING, other]), ['key_living 1'], 'begun is not done')
  t.same(judge([['created', '2026-08-05T00:00:00Z', TENANT], other, ['boot', '2026-12-01T00:00:00Z']]), [
    'key_living 2',
  ])
})

t.test('no last line, and no time that is none, hides a key that lives too long', async (t) => {
  const later = '2026-08-20T00:00:00Z'
  const other = 'day:2026-08-20'
  const overdue: readonly Step[] = [BIRTH, ['boot', later]]
  t.same(judge([...overdue, ['withheld', '2026-08-01T00:00:00Z', other, later]]), ['key_living 1'])
  for (const none of ['2026-99-99T99:99:99Z', '2026-02-30T00:00:00Z']) {
    t.same(judge([...overdue, ['withheld', none, other, later]]), ['key_order 3', 'key_living 1'], none)
    t.same(
      judge([
        ['created', none, DAY_KEY, BIRTH[1]],
        ['boot', later],
      ]),
      ['key_order 1', 'key_living 1'],
      none,
    )
  }
})

/** These steps as a run wrote them, all at one moment. */
const runOf = (actor: string, written: string, steps: readonly Step[]): readonly Step[] => [
  ['boot', written, actor],
  ...steps.map(([step, moment, key = DAY_KEY]): Step => [step, moment, key, written]),
]

t.test('a log that is imported under a driven clock is judged by that clock', async (t) => {
  const written = '2026-11-29T10:00:00Z'
  const imported = (steps: readonly Step[]): readonly Step[] => runOf('import', written, steps)
  t.same(judge(imported(lifeOf(DAY_KEY, '2026-08-05T00:00:00Z', '2026-08-08T00:00:00Z'))), [])
  const late = lifeOf(DAY_KEY, '2026-08-05T00:00:00Z', '2026-08-19T00:00:00Z')
  t.same(judge(imported(late)), [], 'for minutes only, by the clock on the wall')
  const days = lifeOf(DAY_KEY, '2026-08-05T00:00:00Z', '2026-12-09T00:00:00Z')
  t.same(
    judge([...imported(days.slice(0, 1)), ...days.slice(1)]),
    ['key_late 4'],
    'in days that pass it shows',
  )
})

t.test('what driven runs leave open is judged by the clock of the last of them', async (t) => {
  const today = '2026-08-05T12:30:00Z'
  const left: readonly Step[] = [
    ['created', '2026-08-05T00:00:00Z', DAY_KEY],
    ['created', '2026-08-05T12:00:00Z', 'hour:2026-08-05T12'],
  ]
  const old = lifeOf('day:2026-06-01', '2026-06-01T00:00:00Z', '2026-06-04T00:00:00Z')
  const later = '2026-08-15T12:00:00Z'
  const next: readonly Step[] = [['created', '2026-09-01T00:00:00Z', 'day:2026-09-01']]
  for (const actor of ['import', 'simulate']) {
    const made = runOf(actor, today, left)
    t.same(
      judge([...made, ...runOf('import', later, old)]),
      [],
      `${actor}: its clock stands still afterwards`,
    )
    t.same(judge([...made, ...runOf('import', later, next)]), ['key_living 2', 'key_living 3'], 'or goes on')
    t.same(
      judge([...made, ['boot', later, 'up']]),
      ['key_living 2', 'key_living 3'],
      'or is the system’s again',
    )
  }
  const past = runOf(
    'import',
    today,
    lifeOf('day:2026-08-01', '2026-08-01T00:00:00Z', '2026-08-04T00:00:00Z'),
  )
  const older = runOf('import', today, [['created', '2026-06-01T00:00:00Z', 'day:2026-06-01']])
  t.same(judge([...past, ...older, ['boot', later, 'import']]), [], 'and not by that of a run before')
})

t.test('no driven run hides what a run on the system’s clock left alive', async (t) => {
  const old = lifeOf('day:2026-06-01', '2026-06-01T00:00:00Z', '2026-06-04T00:00:00Z')
  const imported = runOf('import', '2026-08-15T12:00:00Z', old)
  for (const boot of [[], runOf('up', '2026-08-05T00:00:00Z', [])]) {
    const born = String(boot.length + 1)
    t.same(judge([...boot, BIRTH, ...imported]), [`key_living ${born}`])
  }
  const remote = runOf('collector/import', '2026-08-05T00:00:00Z', [BIRTH])
  t.same(judge([...remote, ...imported]), ['key_living 2'], 'who is called so is no import')
})

t.test('any two keys are told apart, also once they are dead', async (t) => {
  const two = (length: number): fc.Arbitrary<string> =>
    fc.integer({ min: 0, max: 3 }).map((n) => String(n).padStart(length, '0'))
  const label = fc.oneof(
    fc
      .tuple(fc.constantFrom('day', 'week', 'hour'), two(2))
      .map(([stream, day]) => `${stream}:2026-08-${day}`),
    fc.tuple(fc.constantFrom('day', 'hour'), two(2)).map(([stream, hour]) => `${stream}:2026-08-05T${hour}`),
    two(2).map((month) => `month:2026-${month}`),
    fc.tuple(fc.constantFrom('tenant', 'site'), two(32)).map(([kind, hex]) => `${kind}:${hex}`),
  )
  fc.assert(
    fc.property(fc.uniqueArray(label, { minLength: 2, maxLength: 12 }), (keys) => {
      const found = judge(keys.flatMap((key) => lifeOf(key, '2026-08-05T00:00:00Z', '2026-08-05T00:00:00Z')))
      return !found.some((code) => code.startsWith('key_twice'))
    }),
  )
  t.pass('no key was taken for another')
})

t.test('a span of time is a number and a unit', async (t) => {
  t.same(['48h', '2d', '10m', '0h', '1.5h', '5', 'h', '100000h'].map(readSpan), [
    172_800_000,
    172_800_000,
    600_000,
    null,
    null,
    null,
    null,
    null,
  ])
})
