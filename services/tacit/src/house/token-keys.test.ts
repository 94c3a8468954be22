import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadTokenKeys, watchTokenKeys } from './token-keys.js'

function pair(kid: string): { readonly jwk: Record<string, unknown>; readonly pem: string } {
  const { publicKey } = generateKeyPairSync('ed25519')
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid },
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  }
}

t.test('keys come from a set, or from a folder with a file for each', async (t) => {
  const dir = t.testdir({ bundle: {} })
  const [a, b] = [pair('a'), pair('b')]
  writeFileSync(join(dir, 'keys.json'), JSON.stringify({ keys: [a.jwk, b.jwk] }))
  t.same([...(await loadTokenKeys(join(dir, 'keys.json'))).keys()], ['a', 'b'])
  writeFileSync(join(dir, 'bundle', 'erp-1.jwk.json'), JSON.stringify(a.jwk))
  writeFileSync(join(dir, 'bundle', 'erp-2.pem'), b.pem)
  writeFileSync(join(dir, 'bundle', 'README'), 'not a key')
  t.same(
    [...(await loadTokenKeys(join(dir, 'bundle'))).keys()],
    ['erp-1', 'erp-2'],
    'the file’s name is the kid',
  )
  t.equal((await loadTokenKeys(undefined)).size, 0)
  await t.rejects(loadTokenKeys(join(dir, 'none')), { code: 'ERR_CONFIG_INVALID' })
})

t.test('a change is taken in; one that cannot be read changes nothing and is said once', async (t) => {
  const file = join(t.testdir(), 'keys.json')
  const [a, b] = [pair('a'), pair('b')]
  const alarms: string[] = []
  writeFileSync(file, JSON.stringify({ keys: [a.jwk] }))
  const watch = watchTokenKeys(file, (said) => alarms.push(said))
  await watch.look()
  t.equal(await watch.look(), null, 'nothing changed')
  writeFileSync(file, JSON.stringify({ keys: [a.jwk, b.jwk] }))
  t.same([...((await watch.look())?.keys() ?? [])], ['a', 'b'])
  writeFileSync(file, '{"keys":[')
  t.equal(await watch.look(), null)
  t.equal(await watch.look(), null)
  t.equal(alarms.length, 1, 'half a file is said once')
  rmSync(file)
  t.equal(await watch.look(), null)
  t.equal(alarms.length, 2, 'and a file that is gone')
  writeFileSync(file, JSON.stringify({ keys: [b.jwk] }))
  t.same([...((await watch.look())?.keys() ?? [])], ['b'], 'until there are keys again')
})
