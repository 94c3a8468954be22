import { setImmediate as turn } from 'node:timers/promises'
import { DrivenClock, epochOf, HOUR, MINUTE, TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { createKeyring, type Keyring } from './keyring.js'
import { createPseudonymizer, type Pseudonymizer } from './pseudonym.js'
import { isZeroed, keyOf, ScriptedKeeper, tenant } from './testing/scripted-keeper.js'

const BEGINS = Date.parse('2026-11-30T23:50:00Z')
/** Weighted by how often each stands here. */
const ACTS = 'prefetch prefetch prefetch load use use use use recover release retire fail hold'.split(' ')

const isKey = (value: ReturnType<Keyring['peek']>): value is Pseudonymizer => typeof value === 'object'

t.test(
  'whatever happens meanwhile, no more is held than allowed, and no key is wrong or of a past epoch',
  async (t) => {
    const step = fc.record({
      act: fc.constantFrom(...ACTS),
      name: fc.integer({ min: 0, max: 11 }).map((at) => `t-${at}`),
      minutes: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3),
    })
    let heldAhead = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
        fc.integer({ min: 1, max: 20 }),
        async (steps, maxEntries) => {
          const keeper = new ScriptedKeeper()
          const clock = new DrivenClock(BEGINS - 3 * MINUTE)
          const keyring = createKeyring(keeper, 'stats', { clock, maxEntries })
          let horizon = Number.NEGATIVE_INFINITY
          const settled: Promise<void>[] = []
          for (const { act, minutes, name } of steps) {
            clock.advanceTo(clock.now() + minutes * MINUTE)
            const now = clock.now()
            const epoch = epochOf('day', now).label
            if (act === 'load') settled.push(keyring.load('day', epoch, tenant(name)))
            if (act === 'use') {
              if (keyring.peek('day', epoch, tenant(name)) === undefined) {
                settled.push(keyring.load('day', epoch, tenant(name)))
                await turn()
              }
              keyring.peek('day', epoch, tenant(name))
            }
            if (act === 'retire') {
              horizon = now - 5 * MINUTE
              keyring.retire(now, 5 * MINUTE)
            }
            if (act === 'fail') keeper.failure = new TacitError('ERR_KEEPER_UNAVAILABLE')
            if (act === 'recover') keeper.failure = null
            if (act === 'hold') keeper.hold()
            if (act === 'release') keeper.release()
            if (act === 'prefetch') {
              const used = Array.from({ length: 12 }, (_, at) => `t-${at}`).filter((of) =>
                isKey(keyring.peek('day', epoch, tenant(of))),
              )
              const { held, wanted } = keyring.prefetch(now)
              if (held > wanted) throw new Error('more are held than wanted')
              await turn()
              heldAhead += keyring.prefetch(now).held
              for (const of of used) {
                if (!isKey(keyring.peek('day', epoch, tenant(of)))) throw new Error('pushed out')
              }
            }
            await turn()
            let count = 0
            for (let day = 0; day < 3; day += 1) {
              const label = epochOf('day', BEGINS + day * 24 * HOUR).label
              for (let at = 0; at < 12; at += 1) {
                const found = keyring.peek('day', label, tenant(`t-${at}`))
                if (!isKey(found)) continue
                count += 1
                const expected = createPseudonymizer(
                  keyOf({ purpose: 'stats', scope: tenant(`t-${at}`), epoch: label }),
                )
                if (found.pseudonym('uid', 'x') !== expected.pseudonym('uid', 'x'))
                  throw new Error('a wrong key')
                if (epochOf('day', BEGINS + day * 24 * HOUR).end <= horizon)
                  throw new Error('a key of a retired epoch')
              }
            }
            if (count > maxEntries) throw new Error('more keys than allowed')
          }
          keeper.release()
          await Promise.all(settled)
          keyring.close()
          await turn()
          if (!keeper.handedOut.every(isZeroed)) throw new Error('a key was handed out and not zeroed')
        },
      ),
      { numRuns: 100 },
    )
    t.ok(heldAhead > 100, `${String(heldAhead)} keys were fetched ahead in these runs`)
  },
)
