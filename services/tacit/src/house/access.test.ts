import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const MODULES = fileURLToPath(new URL('.', import.meta.url))

t.test('processes that make the secret at once sign under the same one', async (t) => {
  const data = t.testdir()
  const script = `
    const { accessTokens } = await import(${JSON.stringify(join(MODULES, 'access.js'))})
    const { dataLayout } = await import(${JSON.stringify(join(MODULES, 'layout.js'))})
    const layout = dataLayout(${JSON.stringify(data)})
    const token = await accessTokens(layout).issue('product', 60_000)
    console.log(await accessTokens(layout).verify('Bearer ' + token))`
  // One shell starts all, so that they really run at once.
  const shell = `for i in 1 2 3 4 5 6; do "${process.execPath}" --input-type=module -e "$SCRIPT" & done; wait`
  const ran = spawnSync('sh', ['-c', shell], { env: { ...process.env, SCRIPT: script }, encoding: 'utf8' })
  t.equal(ran.stderr, '')
  t.same(
    ran.stdout.trim().split('\n'),
    Array.from({ length: 6 }, () => 'product'),
  )
  t.same(readdirSync(data), ['access.key'], 'nothing else is left')
  t.equal(readFileSync(join(data, 'access.key')).length, 32)
  t.equal(statSync(join(data, 'access.key')).mode & 0o777, 0o600)
})
