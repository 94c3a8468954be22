/**
 * `rules try` over NDJSON: at least 20,000 cases a second on one core of the machine of BENCHMARKS.md; on a slower one by the
 * time of a reference beside it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { slowness } from '../support/reference-work.js'
import { rulebookPath, TACIT } from '../support/tacit.js'

const CASES = 60_000
const FLOOR = 20_000
const NOW = '2026-11-25T10:00:00Z'
const PATHS = [
  '/dashboard',
  '/customers/48211',
  '/customers/7/invoice/INV-9',
  '/reports/sales',
  '/unlisted/page',
]
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
]

/** 2,000 people, each beacon with a page of its own and a second event now and then. */
function lineOf(at: number): string {
  const event = {
    id: `e${String(at)}`,
    name: 'page_view',
    age: at % 10_000,
    path: at % 20 === 0 ? `/customers/${String(at)}` : PATHS[at % PATHS.length],
    from_path: '/customers',
    props: { load_ms: at % 4_000, visit_start: true },
  }
  return JSON.stringify({
    ip: `203.0.113.${String(at % 250)}`,
    headers: { origin: 'https://erp.example.in', 'user-agent': AGENTS[at % AGENTS.length] },
    body: {
      v: 1,
      site: 'erp',
      consent: { analytics: 'granted' },
      events: at % 3 === 0 ? [event, { ...event, id: `f${String(at)}` }] : [event],
    },
    claims: {
      tenant: `t-${String(at % 40)}`,
      standing: 'established',
      sub: `person-${String(at % 2_000)}`,
      role: 'accounts',
      cohort: '2026-03',
      adult: true,
      region: 'in',
      consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-10-17T05:00:00Z' },
    },
  })
}

/** CPU seconds of a run of `rules try` over `input`, its start included, and the lines it answered. */
async function run(input: Buffer): Promise<{ readonly cpu: number; readonly lines: number }> {
  const script = `
    process.argv = [process.argv[0], 'tacit', 'rules', 'try', ${JSON.stringify(rulebookPath('erp'))}, '--now', '${NOW}']
    process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write(String((user + system) / 1e6)) })
    await import(${JSON.stringify(TACIT)})`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'pipe' })
  let lines = 0
  let cpu = ''
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) lines++
  })
  child.stderr.on('data', (chunk: Buffer) => {
    cpu += chunk.toString()
  })
  child.stdin.end(input)
  await once(child, 'close')
  return { cpu: Number(cpu), lines }
}

t.test(`at least ${String(FLOOR)} cases a second go through rules try on one core`, async (t) => {
  const input = Buffer.from(Array.from({ length: CASES }, (_, at) => `${lineOf(at)}\n`).join(''))
  const start = await run(Buffer.from(`${lineOf(1)}\n`))
  let best = 0
  let bestThere = 0
  for (let round = 0; round < 3; round++) {
    const before = slowness()
    const { cpu, lines } = await run(input)
    t.equal(lines, CASES, 'a line for each case')
    const perSecond = CASES / (cpu - start.cpu)
    best = Math.max(best, perSecond)
    bestThere = Math.max(bestThere, perSecond * Math.min(before, slowness()))
  }
  t.comment(
    `${Math.round(best).toLocaleString('en-GB')} cases a second of CPU time, all threads; start-up ${start.cpu.toFixed(2)} s`,
  )
  t.ok(bestThere >= FLOOR, `${Math.round(bestThere).toLocaleString('en-GB')} on the machine of BENCHMARKS.md`)
})
