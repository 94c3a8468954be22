import fc from 'fast-check'
import t from 'tap'
import { readSignals } from './signals.js'

t.test('exactly 1 is a refusal, under any case of the name', async (t) => {
  t.same(readSignals(['Sec-GPC', '1']), { gpc: true, dnt: false })
  t.same(readSignals(['sec-gpc', '1', 'DNT', '1']), { gpc: true, dnt: true })
  t.same(readSignals(['SEC-GPC', '0', 'dnt', '1']), { gpc: false, dnt: true })
})

t.test('of several lines one exact 1 is enough', async (t) => {
  t.same(readSignals(['Sec-GPC', '1', 'Sec-GPC', '1']), { gpc: true, dnt: false })
  t.same(readSignals(['Sec-GPC', '0', 'Host', 'erp', 'sec-gpc', '1']), { gpc: true, dnt: false })
  t.same(readSignals(['DNT', '1', 'DNT', '0']), { gpc: false, dnt: true })
  t.same(readSignals(['Sec-GPC', '1, 1', 'Sec-GPC', '1']), { gpc: true, dnt: false })
  t.same(readSignals(['Sec-GPC', '1, 1', 'Sec-GPC', '0']), { gpc: false, dnt: false }, 'none is exactly 1')
})

t.test('any other value is ignored', async (t) => {
  for (const value of ['', '0', '01', '1.0', '"1"', 'true', '1, 1', ' 1', '1 ', '１', '11']) {
    t.same(readSignals(['Sec-GPC', value, 'DNT', value]), { gpc: false, dnt: false }, JSON.stringify(value))
  }
  t.same(readSignals(['X-Sec-GPC', '1', 'Sec-GPC-', '1']), { gpc: false, dnt: false }, 'another name')
  t.same(readSignals(['Host', 'Sec-GPC', '1', 'x']), { gpc: false, dnt: false }, 'a value is not a name')
  t.same(readSignals([]), { gpc: false, dnt: false })
})

t.test('signals are those of a plain scan over the pairs', async (t) => {
  const name = fc.constantFrom('Sec-GPC', 'sec-gpc', 'DNT', 'dnt', 'Host', 'X-Thing')
  const value = fc.constantFrom('1', '0', '1, 1', '')
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const says = (wanted: string) =>
        pairs.some(([key, text]) => key.toLowerCase() === wanted && text === '1')
      const signals = readSignals(pairs.flat())
      return signals.gpc === says('sec-gpc') && signals.dnt === says('dnt')
    }),
  )
  t.pass('held in every run')
})
