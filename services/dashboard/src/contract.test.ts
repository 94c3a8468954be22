/** Real answers of every shape, held against the contract that the API states; and CSV against JSON. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { type AuditFiles, openAuditLog } from '@tacit/audit-log'
import { DrivenClock } from '@tacit/contracts'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { openAccessTokens, type Role } from './access-tokens.js'
import { createDashboard } from './dashboard.js'
import { openApi } from './openapi.js'
import { realm } from './rulebook.fixture.js'
import { shapeCells, shapeLive, shapes } from './shapes.fixture.js'

const clock = new DrivenClock(Date.parse('2026-11-09T12:00:00Z'))
const access = openAccessTokens(new Uint8Array(32).fill(1), clock)
const DAY = 'window_start=2026-11-02T00:00:00Z'

/** Files in memory. */
class Files implements AuditFiles {
  readonly #files = new Map<string, Buffer>()
  async read(name: string) {
    return this.#files.get(name) ?? null
  }
  async create(name: string, bytes: Uint8Array) {
    this.#files.set(name, Buffer.from(bytes))
  }
  async write(name: string, bytes: Uint8Array) {
    this.#files.set(name, Buffer.concat([this.#files.get(name) ?? Buffer.alloc(0), bytes]))
  }
  async syncDirectory() {}
}

const text = JSON.stringify({
  cells: [{ dims: ['/a'], events: 400, floor: 10, users: 120 }],
  id: 'erp/pages/day/2026-11-02T00:00:00Z',
})
const manifest = {
  id: 'erp/pages/day/2026-11-02T00:00:00Z',
  text,
  hash: createHash('sha256').update(text).digest('hex'),
}

async function auditOf(...manifests: readonly { readonly id: string; readonly hash: string }[]) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const files = new Files()
  const log = await openAuditLog({
    files,
    signer: { publicKey, sign: (bytes: Buffer) => sign(null, bytes, privateKey) },
  })
  await log.append(
    manifests.map(({ hash, id }) => ({
      actor: 'aggregator',
      rulebook: shapes.hash,
      action: 'release.committed' as const,
      object: {
        epoch: 'day:2026-11-02',
        manifests: [{ hash, id }],
        reconciled: 'yes' as const,
        stream: 'day' as const,
        window: 'day' as const,
      },
    })),
    clock.now(),
    true,
  )
  await log.sign(clock.now())
  return {
    head: async () => log.head() ?? null,
    publicKey: async () => publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    read: async (file: string, offset: number, max: number) =>
      ((await files.read(`${file}.ndjson`)) ?? Buffer.alloc(0)).subarray(offset, offset + max),
  }
}

const audit = await auditOf({ id: manifest.id, hash: '0'.repeat(64) }, manifest)
const open = () =>
  createDashboard({
    realms: [realm('main', shapeCells, [], shapes, { live: shapeLive, manifest, audit })],
    access,
    clock,
  })

async function get(path: string, role: Role = 'product') {
  const app = open()
  const authorization = `Bearer ${await access.issue(role, 60_000)}`
  const answer = await app.inject({ url: `/api/v1/${path}`, headers: { authorization } })
  await app.close()
  return answer
}

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ $id: 'api', ...openApi })
const faultsOf = (schema: string, answer: unknown): unknown => {
  const validate = ajv.compile({ $ref: `api#/components/schemas/${schema}` })
  return validate(answer) ? [] : validate.errors
}

/** Every statistic in each of its windows, every drill, and everything that can be asked beside them. */
const QUERIES = shapes.statistics.flatMap(({ drill, id, shape, windows }) => [
  ...windows.map((window) => `${id}?window=${window}`),
  ...drill.map((name) => `${id}?window=day&drill=${name}`),
  ...(shape.type === 'live'
    ? []
    : [`${id}?compare=previous&timezone=Asia/Kolkata`, `${id}?limit=2`, `${id}?from=2030-01-01`]),
  ...(shape.type === 'counts' ? [`${id}?window=day&top=1`] : []),
])

t.test('answers of every shape are what the contract says, and rows are there to say it', async (t) => {
  t.ok(QUERIES.length > 30)
  for (const query of QUERIES) {
    const answer = await get(`statistics/${query}`)
    t.equal(answer.statusCode, 200, query)
    t.same(faultsOf('StatisticAnswer', answer.json()), [], query)
    if (!/from=|features.*drill/.test(query)) t.ok(answer.json<{ rows: unknown[] }>().rows.length > 0, query)
  }
  const catalogue = (await get('statistics')).json<unknown[]>()
  t.equal(catalogue.length, shapes.statistics.length)
  for (const entry of catalogue) t.same(faultsOf('CatalogueEntry', entry), [])
})

t.test('an answer that is not what the contract says is told apart', async (t) => {
  const answer = (await get('statistics/pages')).json<{ rows: object[] }>()
  const wrong = (row: object) => faultsOf('StatisticAnswer', { ...answer, rows: [row] })
  t.not((wrong({ window_start: 'x', users: -1 }) as unknown[]).length, 0)
  t.not((wrong({ users: 10 }) as unknown[]).length, 0)
  t.not((wrong({ window_start: 'x', people: 10 }) as unknown[]).length, 0)
})

t.test('whatever the limit, the answer is the beginning of the whole one', async (t) => {
  type Answer = { readonly rows: readonly object[]; readonly truncated?: true }
  const ask = async (query: string) => (await get(`statistics/${query}`)).json<Answer>()
  const counted = shapes.statistics.filter(({ shape }) => shape.type === 'counts')
  let cut = 0
  for (const query of counted.flatMap(({ drill, id, windows }) => [
    ...windows.map((window) => `${id}?window=${window}`),
    ...drill.map((name) => `${id}?window=day&drill=${name}`),
  ])) {
    const whole = (await ask(query)).rows
    for (let limit = 1; limit <= whole.length + 1; limit += 1) {
      const { rows, truncated } = await ask(`${query}&limit=${String(limit)}`)
      t.same(rows, whole.slice(0, limit), `${query}, ${String(limit)} rows`)
      t.equal(truncated, limit < whole.length ? true : undefined)
      cut += Number(truncated === true)
    }
  }
  t.ok(cut > 10, `${String(cut)} answers were cut`)
})

/** Fields of CSV lines; the fixtures need no line break within one. */
function parseCsv(csv: string): readonly Readonly<Record<string, string>>[] {
  const [head = [], ...rows] = csv
    .trimEnd()
    .split('\r\n')
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .map(([, field = '']) => unquoted(field))
        .slice(0, -1),
    )
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at] ?? ''])))
}
const unquoted = (field: string): string =>
  field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field

t.test('every row of a CSV is a row of the JSON, and the reverse', async (t) => {
  for (const query of QUERIES) {
    const { rows } = (await get(`statistics/${query}`)).json<{
      rows: Record<string, string | number | null>[]
    }>()
    const csv = parseCsv((await get(`statistics/${query}&format=csv`)).body)
    const columns = new Set(rows.flatMap((row) => Object.keys(row)))
    t.equal(csv.length, rows.length, query)
    for (const [at, row] of rows.entries()) {
      const said = Object.fromEntries(
        Object.keys(csv[at] ?? {}).map((name) => [name, String(row[name] ?? '')]),
      )
      t.same(csv[at], said, query)
      for (const name of columns) t.ok(name in (csv[at] ?? {}), `${query}: ${name}`)
    }
  }
})

t.test('the same query has the same bytes for ever, and no cache is told to keep them', async (t) => {
  for (const query of QUERIES) {
    for (const format of ['json', 'csv']) {
      const [one, other] = [
        await get(`statistics/${query}&format=${format}`),
        await get(`statistics/${query}&format=${format}`, 'privacy'),
      ]
      t.equal(one?.body, other?.body, query)
      t.equal(one?.headers['etag'], undefined)
      t.equal(one?.headers['last-modified'], undefined)
      t.equal(one?.headers['cache-control'], 'no-store')
    }
  }
})

t.test('withheld values and their classes are the same number, level by level', async (t) => {
  for (const [id, drill] of [
    ['pages', null],
    ['pages', 'device'],
    ['pages', 'role'],
    ['features', null],
    ['features', 'role'],
    ['errors', null],
    ['devices', null],
    ['speed', null],
    ['invoice', null],
  ] as const) {
    const level = drill === null ? '' : `&drill=${drill}`
    const day = `${id}?window=day&from=2026-11-02&to=2026-11-02${level}`
    const { rows, withheld } = (await get(`statistics/${day}`)).json<{
      rows: Record<string, unknown>[]
      withheld: { cells: number }
    }>()
    const answer = (await get(`explanations/${id}?window=day&${DAY}`, 'privacy')).json<{
      classes: { rule: string; level: string[]; cells: number }[]
    }>()
    t.same(faultsOf('ExplanationAnswer', answer), [], id)
    const width = Math.max(...answer.classes.map((one) => one.level.length))
    const plain = Math.min(...answer.classes.map((one) => one.level.length))
    const depth = drill === null ? plain : drill === 'role' ? width : plain + 1
    const cells = answer.classes
      .filter((one) => one.level.length === depth)
      .reduce((sum, one) => sum + one.cells, 0)
    if (rows.length > 0) t.equal(cells, withheld.cells, day)
  }
})

t.test('each withheld value is explained by the class that what is public tells', async (t) => {
  const classes = async (id: string) =>
    (await get(`explanations/${id}?window=day&${DAY}`, 'privacy'))
      .json<{ classes: { rule: string; level: string[]; cells: number; values: string[][] }[] }>()
      .classes.map(({ cells, level, rule }) => [level.at(-1), rule, cells])
  t.same(await classes('pages'), [
    ['path', 'pooled', 2],
    ['device', 'pooled_within', 3],
    ['device', 'whole', 4],
    ['device', 'parent_unpublished', 8],
    ['role', 'nobody', 1],
    ['role', 'parent_unpublished', 45],
  ])
  t.same(await classes('features'), [
    ['event_name', 'too_few', 1],
    ['event_name', 'sensitive', 1],
    ['role', 'whole', 3],
    ['role', 'parent_unpublished', 6],
  ])
  t.same(await classes('devices'), [
    ['os', 'pooled_within', 11],
    ['os', 'pooled', 12],
  ])
  t.same(await classes('speed'), [
    ['bucket', 'merged', 2],
    ['bucket', 'pooled', 12],
  ])
  t.same(await classes('invoice'), [['step', 'step', 1]])
  const cohorts = (
    await get('explanations/retention?window=week&window_start=2026-11-02T00:00:00Z', 'privacy')
  ).json<{
    unlisted: unknown[]
    classes: unknown[]
  }>()
  t.same([cohorts.classes, cohorts.unlisted.length], [[], 1], 'months are no closed list')
})

t.test('no explanation says which rule it was, and all of them are those of the rulebook', async (t) => {
  const { classes } = (await get(`explanations/features?${DAY}`, 'privacy')).json<{
    classes: { rule: string; words: string }[]
  }>()
  const few = classes.find(({ rule }) => rule === 'too_few')?.words ?? ''
  for (const part of ['fewer than 10 people', 'fewer than 4 tenants', 'more than 50 %', 'nobody'])
    t.match(few, part)
})

t.test(
  'a published value tells its block, what it passed, its manifest and the proof that holds',
  async (t) => {
    const answer = (await get(`cells/pages?window=day&${DAY}&dims=["/a"]`, 'privacy')).json<{
      manifest: { cell: string }
      proof: { inclusion: { seq: number; entry: unknown }; head: { size: number }; public_key: string }
    }>()
    t.same(faultsOf('CellAnswer', answer), [])
    t.match(answer, {
      dims: { path: '/a' },
      cell: { users: 120, events: 400, floor: 10 },
      block: {
        kind: 'parts',
        covers: [
          ['/a', 'desktop'],
          ['/a', '(other)'],
        ],
        more: 0,
      },
      rulebook: { hash: shapes.hash, version: shapes.version },
      manifest: {
        id: manifest.id,
        hash: manifest.hash,
        cell: '{"dims":["/a"],"events":400,"floor":10,"users":120}',
      },
      proof: { inclusion: { seq: 2, entry: { action: 'release.committed' } }, head: { size: 2 } },
    })
    t.match(JSON.stringify(answer), /at least 10 people, also without the largest tenant/)
  },
)

t.test('each kind of block says what it covers', async (t) => {
  const block = async (id: string, dims: readonly string[]) => {
    const got = await get(
      `cells/${id}?window=day&${DAY}&dims=${encodeURIComponent(JSON.stringify(dims))}`,
      'privacy',
    )
    t.same(faultsOf('CellAnswer', got.json()), [], dims.join())
    const { covers, kind } = got.json<{ block: { kind: string; covers: string[][] } }>().block
    return [kind, covers]
  }
  t.same(await block('pages', ['/b']), ['value', [['/b']]])
  t.same(await block('pages', ['(other)']), ['pool', [['/c'], ['/other']]])
  t.same(await block('pages', ['/a', '(other)']), [
    'pool',
    [
      ['/a', 'mobile'],
      ['/a', 'tablet'],
      ['/a', 'other'],
    ],
  ])
  t.match(await block('devices', ['mobile', '(other)']), ['pool', { length: 6 }])
  t.same(await block('speed', ['/a', '100-999']), [
    'merged',
    [
      ['/a', '100-299'],
      ['/a', '300-999'],
    ],
  ])
  t.same(await block('invoice', ['event:invoice.save']), ['step', [['event:invoice.save']]])
})

t.test('a manifest that is on no signed record has no proof', async (t) => {
  for (const other of [await auditOf({ id: manifest.id, hash: '1'.repeat(64) }), await auditOf()]) {
    const app = createDashboard({
      realms: [realm('main', shapeCells, [], shapes, { manifest, audit: other })],
      access,
      clock,
    })
    const authorization = `Bearer ${await access.issue('privacy', 60_000)}`
    const url = `/api/v1/cells/pages?window=day&${DAY}&dims=["/a"]`
    t.match((await app.inject({ url, headers: { authorization } })).json(), {
      proof: null,
      manifest: { id: manifest.id },
    })
    await app.close()
  }
})
