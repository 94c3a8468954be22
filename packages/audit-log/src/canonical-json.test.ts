import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from './canonical-json.js'

t.test('the sample of RFC 8785, 3.2.2 and 3.2.3, has the bytes that the RFC prints', async (t) => {
  const sample: unknown = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`)
  t.equal(
    Buffer.from(canonicalJson(sample), 'utf8').toString('hex'),
    Buffer.from(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
      'utf8',
    ).toString('hex'),
  )
})

t.test('the numbers of RFC 8785, appendix B, are written as there', async (t) => {
  const written: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]
  for (const [bits, text] of written) {
    t.equal(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), text, bits)
  }
})

t.test('members stand in the order of UTF-16 code units, as in RFC 8785, 3.2.3', async (t) => {
  const sample = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  }
  const values = [...canonicalJson(sample).matchAll(/:"([^"]+)"/g)].map((match) => match[1])
  t.same(values, [
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ])
  t.equal(canonicalJson({ 9: 0, 10: 0 }), '{"10":0,"9":0}', 'and not as the engine orders them')
})

t.test('what JSON cannot say is refused', async (t) => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    1n,
    [undefined],
    { a: undefined },
    'a\ud800',
    '\udc00a',
    { '\ud800': 1 },
    () => 1,
  ]) {
    t.throws(() => canonicalJson(value), TypeError)
  }
})

t.test('any JSON comes back as it was, in one text whatever the order of its members', async (t) => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, reversed(member)] as const)
        .toReversed(),
    )
  }
  const anyValue = fc.jsonValue({ stringUnit: 'binary' })
  fc.assert(
    fc.property(anyValue, (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value))
      const text = canonicalJson(plain)
      return isDeepStrictEqual(JSON.parse(text), plain) && canonicalJson(reversed(plain)) === text
    }),
    { seed: 1, numRuns: 200 },
  )
  t.pass('200 values')
})
