/** The first start with the sample, which takes a minute: what would end it is said before, and a stop is obeyed at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { environment, tacit, TACIT } from '../support/tacit.js'

t.setTimeout(120_000)

t.test('a port that is taken is said before the sample is played', async (t) => {
  const other = createServer()
  await once(other.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => other.close())
  const port = String((other.address() as AddressInfo).port)
  const data = join(t.testdir(), 'data')
  for (const [flag, free] of [
    ['--port', '--dashboard-port'],
    ['--dashboard-port', '--port'],
  ] as const) {
    const ran = await tacit(['up', '--sample', '--data', data, flag, port, free, '0'])
    t.equal(ran.code, 3)
    t.match(ran.stderr, `Port ${port} is taken by another program; name another one with ${flag}`)
    t.notMatch(ran.stdout, /Playing/)
  }
})

t.test(
  'a start that is stopped while the sample is played ends, and the next one plays it anew',
  async (t) => {
    const data = join(t.testdir(), 'data')
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = spawn(
        process.execPath,
        [TACIT, 'up', '--sample', '--data', data, '--port', '0', '--dashboard-port', '0'],
        { stdio: ['ignore', 'pipe', 'pipe'], env: environment() },
      )
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('Playing')) child.kill(signal)
      })
      const [code] = (await once(child, 'close')) as [number | null]
      t.equal(code, 0, signal)
      t.match(said, /Playing 35 days/)
      t.notMatch(said, /is ready/)
    }
  },
)
