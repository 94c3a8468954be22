import fc from 'fast-check'
import t from 'tap'
import { createPeerLimit, noPeerLimit } from './peer-limit.js'

const MINUTE = 60_000

t.test('each peer has its requests of each minute, and no more', (t) => {
  const request = fc.tuple(fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'), fc.nat(20_000))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(request, { maxLength: 100 }), (limit, requests) => {
      const peers = createPeerLimit(limit, false)
      const used = new Map<string, number>()
      let now = 0
      for (const [peer, pause] of requests) {
        now += pause
        const name = `${Math.floor(now / MINUTE)} ${peer}`
        const before = used.get(name) ?? 0
        if (peers.admit(peer, now) !== before < limit) return false
        used.set(name, before + 1)
      }
      return true
    }),
  )
  t.pass('held in every run')
  t.end()
})

t.test('loopback is limited only where it is asked for', (t) => {
  for (const peer of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
    const without = createPeerLimit(1, false)
    t.ok(without.admit(peer, 0) && without.admit(peer, 0), peer)
    const limited = createPeerLimit(1, true)
    t.ok(limited.admit(peer, 0))
    t.notOk(limited.admit(peer, 0), peer)
  }
  for (const peer of ['12.7.0.1', '::10', '::ffff:12.7.0.1', '1270::1']) {
    const peers = createPeerLimit(1, false)
    peers.admit(peer, 0)
    t.notOk(peers.admit(peer, 0), `${peer} is not loopback`)
  }
  t.end()
})

t.test(
  'a flood of peers is not remembered without bound, locks nobody out, and those known stay limited',
  (t) => {
    const peers = createPeerLimit(1, false)
    t.ok(peers.admit('192.0.2.1', 0))
    for (let at = 0; at < 60_000; at++) peers.admit(`peer-${at}`, 0)
    t.ok(peers.admit('192.0.2.9', 0) && peers.admit('192.0.2.9', 0), 'beyond the bound a new peer is let in')
    t.notOk(peers.admit('192.0.2.1', 0))
    t.ok(peers.admit('192.0.2.1', MINUTE), 'and all is forgotten with the minute')
    t.end()
  },
)

t.test('no limit admits everything', (t) => {
  for (let at = 0; at < 100; at++) if (!noPeerLimit.admit('192.0.2.1', 0)) t.fail('refused')
  t.pass()
  t.end()
})
