/**
 * Runs a corpus through `rules try`, as a user does, and through a collector on a socket, with tokens that an ERP signed.
 * Everything that comes out is gathered: answers with their headers, what was printed, records, counts, every byte on the
 * disk. None of the values that went in may be in any of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Ledger, startCollector } from '../support/collector.js'
import { sendAll } from '../support/keep-alive.js'
import { formsOf } from '../support/leaks/forms.js'
import { createSearch } from '../support/leaks/search.js'
import type { Answer } from '../support/raw-http.js'
import { rulebookPath, tacit } from '../support/tacit.js'
import type { CorpusCase, TryInput } from './corpus.js'

export interface CorpusOptions {
  /** default `erp` */
  readonly rulebook?: 'erp' | 'website'
  /** time of receipt of cases that name none, RFC 3339 */
  readonly now: string
  /** CIDRs of proxies, as `TACIT_TRUSTED_PROXIES` has them; default none */
  readonly trustedProxies?: readonly string[]
}

/** One line of `rules try`. */
export interface TryAnswer {
  readonly status: number
  readonly code?: string
  readonly decision?: 'accepted' | 'dropped'
  readonly reason?: string
  readonly dropped?: Readonly<Record<string, number>>
  readonly detected?: Readonly<Record<string, number>>
  readonly removed_props?: number
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

/** A place where a raw value could have gone. */
export interface Output {
  readonly name: string
  readonly bytes: Buffer
}

export interface TryRun {
  readonly answers: readonly TryAnswer[]
  readonly outputs: readonly Output[]
}

export interface CollectorRun {
  readonly answers: readonly Answer[]
  readonly ledger: Ledger
  readonly outputs: readonly Output[]
}

const CONCURRENCY = 16
/** Long enough for any case, and the token's own limit. */
const TOKEN_LIFE_S = 300

const output = (name: string, text: string): Output => ({ name, bytes: Buffer.from(text, 'utf8') })

/** Cases by their time of receipt, each with its place in the corpus; in the order of time. */
function byTime(
  cases: readonly CorpusCase[],
  now: string,
): readonly (readonly [string, readonly (readonly [number, CorpusCase])[]])[] {
  const groups = new Map<string, [number, CorpusCase][]>()
  for (const [at, one] of cases.entries()) {
    const time = one.now ?? now
    const group = groups.get(time)
    if (group === undefined) groups.set(time, [[at, one]])
    else group.push([at, one])
  }
  return [...groups].sort(([a], [b]) => Date.parse(a) - Date.parse(b))
}

/** Runs `rules try` once for each time of receipt; nearly always that is one. */
export async function runThroughTry(
  cases: readonly CorpusCase[],
  { now, rulebook = 'erp', trustedProxies = [] }: CorpusOptions,
): Promise<TryRun> {
  const answers: TryAnswer[] = []
  const outputs: Output[] = []
  for (const [time, group] of byTime(cases, now)) {
    const ran = await tacit(['rules', 'try', rulebookPath(rulebook), '--now', time], {
      input: Buffer.from(group.map(([, { input }]) => `${JSON.stringify(input)}\n`).join('')),
      env: trustedProxies.length === 0 ? {} : { TACIT_TRUSTED_PROXIES: trustedProxies.join(',') },
    })
    if (ran.code !== 0) throw new Error(`rules try ended with ${String(ran.code)}: ${ran.stderr}`)
    const lines = ran.stdout.trimEnd().split('\n')
    if (lines.length !== group.length) throw new Error('rules try did not answer each case')
    for (const [i, [at]] of group.entries()) answers[at] = JSON.parse(lines[i] ?? '') as TryAnswer
    outputs.push(output('rules try, standard output', ran.stdout))
    outputs.push(output('rules try, standard error', ran.stderr))
  }
  return { answers, outputs }
}

/** A header as bytes: as it stands where a byte can hold each character, else as UTF-8, as clients send it. */
const headerBytes = (text: string): Buffer =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that one byte can hold
  Buffer.from(text, /^[\u0000-\u00ff]*$/.test(text) ? 'latin1' : 'utf8')

type SignToken = (claims: Record<string, unknown>) => string

/** The body of a case, with a token in the place of its claims. */
function bodyOf({ body, claims }: TryInput, now: number, sign: SignToken): Buffer {
  if (claims === undefined) return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const iat = Math.floor(now / 1000)
  const token = sign({ aud: 'tacit', iat, exp: iat + TOKEN_LIFE_S, ...claims })
  if (typeof body !== 'string') return Buffer.from(JSON.stringify({ ...(body as object), token }))
  // Text stays as it stands, faults and all; the token goes in front of its first member, if it has one.
  return Buffer.from(body.replace(/^\s*\{(?=\s*")/, (open) => `${open}"token":${JSON.stringify(token)},`))
}

/** The bytes of a case's request; its peer is said by the one proxy that is the test itself. */
export function requestOf(input: TryInput, now: number, sign: SignToken): Buffer {
  const body = bodyOf(input, now, sign)
  const lines = Object.entries(input.headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
  )
  const given = new Set(lines.map(([name]) => name.toLowerCase()))
  const all = [
    ['host', 'collector.example.in'] as const,
    ...(given.has('content-type') ? [] : [['content-type', 'application/json'] as const]),
    ...lines,
    ['content-length', String(body.length)] as const,
    ['x-forwarded-for', input.ip] as const,
  ]
  return Buffer.concat([
    Buffer.from('POST /v1/beacon HTTP/1.1\r\n'),
    ...all.flatMap(([name, value]) => [headerBytes(`${name}: `), headerBytes(value), Buffer.from('\r\n')]),
    Buffer.from('\r\n'),
    body,
  ])
}

/** Gathers what this process prints while something runs. */
async function printedWhile<T>(run: () => Promise<T>): Promise<readonly [T, string]> {
  let printed = ''
  const streams = [process.stdout, process.stderr] as const
  const originals = streams.map((stream) => stream.write.bind(stream))
  for (const [i, stream] of streams.entries()) {
    const original = originals[i] as typeof stream.write
    stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
      printed += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
      return original(chunk, ...rest)
    }) as typeof stream.write
  }
  try {
    return [await run(), printed]
  } finally {
    for (const [i, stream] of streams.entries()) stream.write = originals[i] as typeof stream.write
  }
}

function filesOf(dir: string): Output[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const name = join(entry.parentPath, entry.name)
    return entry.isFile() ? [output('a file name', name), { name: 'a file', bytes: readFileSync(name) }] : []
  })
}

/** Sends the cases to a collector whose clock shows their time of receipt, sixteen at a time. */
export async function runThroughCollector(
  cases: readonly CorpusCase[],
  { now, rulebook = 'erp', trustedProxies = [] }: CorpusOptions,
): Promise<CollectorRun> {
  if (cases.some(({ input }) => input.state !== undefined)) {
    throw new TypeError('a collector has no states yet: run such cases through rules try alone')
  }
  const groups = byTime(cases, now)
  let time = Date.parse(groups[0]?.[0] ?? now)
  const dir = mkdtempSync(join(tmpdir(), 'tacit-corpus-'))
  try {
    const collector = await startCollector({
      rulebook,
      dir,
      clock: { now: () => time },
      trustedProxies: ['127.0.0.1/32', ...trustedProxies],
    })
    const answers: Answer[] = []
    const run = async (): Promise<Ledger> => {
      for (const [at, group] of groups) {
        time = Date.parse(at)
        const requests = group.map(([, { input }]) => requestOf(input, time, collector.token))
        const taken = await sendAll(collector.port, requests, CONCURRENCY)
        for (const [i, [index]] of group.entries()) answers[index] = taken[i] as Answer
      }
      return collector.ledger()
    }
    const [ledger, printed] = await printedWhile(async () => {
      try {
        return await run()
      } finally {
        await collector.close()
      }
    })
    return {
      answers,
      ledger,
      outputs: [
        output('answers', answers.map(({ body, head }) => `${head}\n${body}`).join('\n')),
        output('printed', printed),
        output('records', JSON.stringify(ledger.rows)),
        output('headers of batches', JSON.stringify(ledger.headers)),
        ...filesOf(dir),
      ],
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** A search for the raw values of all cases, in every form, each named by its case. */
function searchFor(cases: readonly CorpusCase[]): ReturnType<typeof createSearch> {
  const names = new Map<string, string>()
  for (const { name, raw } of cases) for (const value of raw) names.set(value, name)
  return createSearch(
    [...names].flatMap(([value, name]) => {
      const forms = formsOf(name, value)
      if (forms.length === 0) throw new RangeError(`a raw value of "${name}" is too short to be looked for`)
      return forms
    }),
  )
}

const found = (search: ReturnType<typeof createSearch>, outputs: readonly Output[]): string[] =>
  outputs.flatMap(({ bytes, name }) => search(bytes).map(({ form, what }) => `${what} (${form}) in ${name}`))

/**
 * Asserts that no raw value is in any output, in any form; and that the search would have found one: a value planted in
 * each output in turn, plain and as base64.
 */
export function assertNothingRaw(t: Test, cases: readonly CorpusCase[], outputs: readonly Output[]): void {
  const values = cases.flatMap(({ raw }) => raw)
  const search = searchFor(cases)
  t.ok(values.length > 0, `${String(values.length)} raw values are looked for`)
  t.same(found(search, outputs), [], 'no raw value is in any output')
  const planted = values[Math.floor(values.length / 2)] ?? ''
  for (const bytes of [Buffer.from(planted), Buffer.from(Buffer.from(`x${planted}`).toString('base64'))]) {
    const missed = outputs.filter(
      (one) => found(search, [{ name: one.name, bytes: Buffer.concat([one.bytes, bytes]) }]).length === 0,
    )
    t.same(
      missed.map(({ name }) => name),
      [],
      'a planted value is found in each output',
    )
  }
}

/** What `rules try` says of a corpus, summed as a ledger sums it. */
function sumOf(answers: readonly TryAnswer[]): { accepted: number; dropped: Record<string, number> } {
  const sum = { accepted: 0, dropped: {} as Record<string, number> }
  for (const { dropped = {}, records } of answers) {
    sum.accepted += records.filter(({ stream }) => stream === 'day').length
    for (const [reason, count] of Object.entries(dropped)) {
      sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count
    }
  }
  return sum
}

/**
 * Runs a corpus both ways: the same answers and the same counts, nothing raw in either.
 * @returns the answers of `rules try` in the order of the cases, for the corpus's own oracle
 */
export async function runCorpus(
  t: Test,
  cases: readonly CorpusCase[],
  options: CorpusOptions,
): Promise<readonly TryAnswer[]> {
  const tried = await runThroughTry(cases, options)
  assertNothingRaw(t, cases, tried.outputs)
  const live = await runThroughCollector(cases, options)
  assertNothingRaw(t, cases, live.outputs)
  const apart = cases.filter((_, at) => tried.answers[at]?.status !== live.answers[at]?.status)
  t.same(
    apart.map(({ name }) => name),
    [],
    'rules try and the collector answer alike',
  )
  const sum = sumOf(tried.answers)
  t.same(live.ledger.dropped, sum.dropped, 'and drop alike')
  t.equal(live.ledger.days.length, sum.accepted, 'and record alike')
  return tried.answers
}
