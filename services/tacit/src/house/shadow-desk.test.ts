/** What the running instance makes of requests for a shadow, whoever asks and however it ends. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileAnonymizer, createUserAgentReader, MAX_RAW_AGE_MS } from '@tacit/anonymizer'
import { Shadow } from '@tacit/collector'
import { systemClock } from '@tacit/contracts'
import { RULEBOOK_FILE, type Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t, { type Test } from 'tap'
import { compileOptions } from './countries.js'
import { ShadowDesk } from './shadow-desk.js'
import { askForShadow, readShadowAnswer, readShadowRequest, withdrawShadowRequest } from './shadow-request.js'

const RULING = shippedRulebook('erp')
const NEXT = shippedRulebook('erp', ['sales, operations]', 'sales]'])

function setUp(t: Test) {
  const dir = join(t.testdir(), 'shadow')
  const begun: { readonly hash: string; readonly oneIn: number; readonly shadow: Shadow }[] = []
  const state = { time: 1_000, waits: true, ended: 0 }
  const side = (book: Rulebook) => {
    const agents = createUserAgentReader({ maxEntries: 10, maxAgeMs: MAX_RAW_AGE_MS, clock: systemClock })
    return {
      rulebook: book,
      anonymizer: compileAnonymizer(book, compileOptions(book, agents, systemClock)),
    }
  }
  const desk = new ShadowDesk({
    dir,
    ruling: () => RULING,
    begin(next, oneIn) {
      const shadow = new Shadow({ now: side(RULING), next: side(next), oneIn, peek: () => undefined })
      begun.push({ hash: next.hash, oneIn, shadow })
      return shadow
    },
    end() {
      state.ended++
      begun.at(-1)?.shadow.end()
    },
    elapsed: () => state.time,
    waits: () => state.waits,
  })
  const ask = (next = NEXT) => askForShadow(dir, next, { lasts: 5_000, oneIn: 3 })
  const look = (time: number) => {
    state.time = 1_000 + time
    desk.look()
  }
  return { ask, begun, desk, dir, look, state }
}

t.test('a request begins a shadow, which says how far it is and ends with its time', async (t) => {
  const { ask, begun, dir, look } = setUp(t)
  look(0)
  t.notOk(existsSync(dir), 'nothing is written where nothing is asked')
  const id = ask()
  t.equal(readShadowAnswer(dir, id), null)
  look(0)
  const beside = { name: RULING.name, version: RULING.version, hash: RULING.hash }
  t.match(readShadowAnswer(dir, id), { state: 'running', ran: 0, beside, report: { events: null } })
  t.equal(readShadowAnswer(dir, 'e1b4cbd8-6f41-4a07-8c7f-0c0a7f9d7f11'), null, 'of another request')
  look(4_999)
  t.match(readShadowAnswer(dir, id), { state: 'running', ran: 4_999 })
  look(5_000)
  t.match(readShadowAnswer(dir, id), { state: 'ended', ran: 5_000 })
  look(6_000)
  t.match(readShadowAnswer(dir, id), { state: 'ended', ran: 5_000 }, 'the last answer stands')
  t.match(begun, [{ hash: NEXT.hash, oneIn: 3, shadow: { state: 'ended' } }])
  t.equal(begun.length, 1, 'and it does not begin again')
  withdrawShadowRequest(dir, id)
  look(7_000)
  t.strictSame(readdirSync(dir), [], 'nothing is left')
  ask()
  look(8_000)
  t.equal(begun.length, 2, 'the next one can be asked for')
})

t.test('nobody else can read what is asked or answered', async (t) => {
  const { ask, dir, look } = setUp(t)
  ask()
  look(0)
  t.equal(statSync(dir).mode & 0o777, 0o700)
  t.strictSame(readdirSync(dir).sort(), ['answer.json', 'request.json'])
  for (const file of readdirSync(dir)) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600)
})

t.test('one shadow at a time: a second request is refused, and the first goes on', async (t) => {
  const { ask, dir, look } = setUp(t)
  const id = ask()
  look(0)
  t.throws(() => ask(RULING), { code: 'ERR_SHADOW_BUSY', message: /wait/ })
  withdrawShadowRequest(dir, 'e1b4cbd8-6f41-4a07-8c7f-0c0a7f9d7f11')
  t.equal(readShadowRequest(dir)?.id, id, 'nobody takes back what another asked')
  look(1_000)
  t.match(readShadowAnswer(dir, id), { state: 'running' })
})

t.test('it ends with whoever asked', async (t) => {
  for (const how of ['took it back', 'is gone']) {
    const { ask, begun, dir, look, state } = setUp(t)
    const id = ask()
    look(0)
    if (how === 'is gone') state.waits = false
    else withdrawShadowRequest(dir, id)
    look(1_000)
    t.equal(begun[0]?.shadow.state, 'ended', how)
    t.strictSame([state.ended, readdirSync(dir)], [1, []], how)
  }
})

t.test('it says when it failed, and when another rulebook began to rule', async (t) => {
  for (const how of ['failed', 'changed'] as const) {
    const { ask, begun, dir, look } = setUp(t)
    const id = ask()
    look(0)
    begun[0]?.shadow.end(how)
    look(1_000)
    t.match(readShadowAnswer(dir, id), { state: how, ran: 1_000 })
    look(2_000)
    t.match([readShadowAnswer(dir, id)?.state, begun.length], [how, 1])
  }
})

t.test('what may not be tried is refused by its code, and never begun', async (t) => {
  const apart = shippedRulebook('erp', ['id: product-usage-stats', 'id: security'])
  const cases: readonly (readonly [string, Rulebook])[] = [
    ['ERR_ACTIVATION_APART', apart],
    ['ERR_RULEBOOK_INVALID', { ...NEXT, hash: RULING.hash }],
    ['ERR_RULEBOOK_INVALID', { ...NEXT, sources: { [RULEBOOK_FILE]: 'rulebook: x\n' } }],
  ]
  for (const [code, next] of cases) {
    const { ask, begun, dir, look } = setUp(t)
    const id = ask(next)
    look(0)
    t.match(readShadowAnswer(dir, id), { state: 'refused', code, report: null })
    t.equal(begun.length, 0)
  }
})

t.test('a request that is none is not obeyed, and a disk that fails harms nobody', async (t) => {
  const { ask, begun, dir, look } = setUp(t)
  ask()
  for (const garbage of ['', '{', '{"id":1}', JSON.stringify({ id: 'x'.repeat(17 * 1024 * 1024) })]) {
    writeFileSync(join(dir, 'request.json'), garbage)
    t.doesNotThrow(() => look(0))
  }
  t.equal(begun.length, 0)
  const { ask: askAgain, begun: again, dir: blocked, look: lookAgain, state } = setUp(t)
  askAgain()
  lookAgain(0)
  rmSync(join(blocked, 'answer.json'))
  // The answer cannot be put where a folder is.
  mkdirSync(join(blocked, 'answer.json'))
  t.doesNotThrow(() => lookAgain(1_000))
  t.strictSame([again[0]?.shadow.state, state.ended], ['ended', 1])
})

t.test('an instance that stops, or starts, leaves nothing of a shadow', async (t) => {
  const { ask, begun, desk, dir, look } = setUp(t)
  ask()
  look(0)
  desk.close()
  t.notOk(existsSync(dir))
  t.equal(begun[0]?.shadow.state, 'ended')
  ask()
  t.ok(existsSync(dir))
  const restarted = new ShadowDesk({
    dir,
    ruling: () => RULING,
    begin: () => {
      throw new Error('nothing is asked')
    },
    end: () => {},
  })
  restarted.look()
  t.notOk(existsSync(dir))
})
