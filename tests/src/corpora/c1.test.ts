/** Corpus C1 through `rules try` with the network on the record, and through a collector: 500 cases of addresses. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { rulebookPath, tacit } from '../support/tacit.js'
import { addressCases, C1_NAT64, C1_PROXIES } from './c1-addresses.js'
import { CORPUS_NOW } from './parts.js'
import { assertNothingRaw, runCorpus, type TryAnswer } from './run.js'

const cases = addressCases(500, 1, CORPUS_NOW)

/** The website's rulebook with a statistic that counts by network, so that the network leaves. */
function rulebookByNetwork(dir: string): string {
  cpSync(dirname(rulebookPath('website')), dir, { recursive: true })
  const file = join(dir, 'rulebook.yaml')
  const text = readFileSync(file, 'utf8')
    .replace('\nfields:\n', '\nfields:\n  client_ip: { do: truncate, ipv4: 16, ipv6: 32 }\n')
    .replace(
      '\nstatistics:\n',
      '\nstatistics:\n  networks: { site: website, title: Networks, window: day, by: [client_ip], measures: [users] }\n',
    )
  writeFileSync(file, text)
  return file
}

/** What left of each case: its network, or why it was dropped. */
function networksOf(answers: readonly TryAnswer[]): readonly (string | undefined)[] {
  return answers.map(({ reason, records }) => (records[0]?.['client_ip'] as string | undefined) ?? reason)
}

async function tryAll(rulebook: string, nat64: readonly string[]) {
  const ran = await tacit(['rules', 'try', rulebook, '--now', CORPUS_NOW], {
    input: Buffer.from(cases.map(({ input }) => `${JSON.stringify(input)}\n`).join('')),
    env: { TACIT_TRUSTED_PROXIES: C1_PROXIES.join(','), TACIT_NAT64_PREFIXES: nat64.join(',') },
  })
  if (ran.code !== 0) throw new Error(ran.stderr)
  const answers = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TryAnswer)
  return { answers, ran }
}

t.test(
  'C1: each address leaves as the network that whole-number arithmetic says, or not at all',
  async (t) => {
    t.same(addressCases(500, 1, CORPUS_NOW), cases, 'the same seed makes the same corpus')
    const classes = new Set(cases.map((one) => one.class))
    t.ok(classes.size >= 14 && cases.length === 500, `${String(classes.size)} classes`)
    const { answers, ran } = await tryAll(rulebookByNetwork(t.testdir()), C1_NAT64)
    const networks = networksOf(answers)
    const wrong = cases.flatMap(({ name, network }, at) =>
      networks[at] === (network ?? 'rule_failed') ? [] : [`${name}: ${String(networks[at])}`],
    )
    t.same(wrong, [], 'the network, or the event is dropped')
    assertNothingRaw(t, cases, [
      { name: 'standard output', bytes: Buffer.from(ran.stdout) },
      { name: 'standard error', bytes: Buffer.from(ran.stderr) },
    ])
  },
)

t.test('C1: a reader without the NAT64 prefixes is caught by the same comparison', async (t) => {
  const { answers } = await tryAll(rulebookByNetwork(t.testdir()), [])
  const networks = networksOf(answers)
  const wrong = cases.filter(({ network }, at) => networks[at] !== (network ?? 'rule_failed'))
  t.ok(wrong.length > 0)
  t.same([...new Set(wrong.map((one) => one.class))], ['NAT64, own prefix'])
})

t.test('C1: a collector decides the same, and no address is in anything that it says or keeps', async (t) => {
  const answers = await runCorpus(t, cases, {
    now: CORPUS_NOW,
    rulebook: 'website',
    trustedProxies: C1_PROXIES,
  })
  const dropped = cases.filter((_, at) => answers[at]?.decision === 'dropped')
  t.ok(dropped.length > 0 && dropped.every(({ network }) => network === null), 'only what is no address')
})
