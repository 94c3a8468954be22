import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  type Dependency,
  type House,
  type LockEntry,
  type Room,
  readHouse,
  type TextFile,
} from './rooms/house.js'
import { moduleFacts } from './rooms/module-facts.js'
import * as rules from './rooms/rules.js'

const root = join(fileURLToPath(import.meta.url), '../../..')
const house = readHouse(root)

interface SampleRoom {
  readonly dependencies?: readonly string[]
  readonly references?: readonly string[]
  /** Text of the room's only source. */
  readonly text?: string
  readonly path?: string
}

function sampleRoom(
  folder: string,
  { dependencies = [], references = [], text = '', path = 'src/x.ts' }: SampleRoom,
) {
  const file = { path: `${folder}/${path}`, text }
  const name = `@tacit/${folder.split('/').at(-1) ?? folder}`
  return {
    folder,
    name,
    dependencies,
    references,
    sources: [{ ...file, facts: moduleFacts(file.path, text) }],
  }
}

function sample(parts: {
  rooms?: Readonly<Record<string, SampleRoom>>
  files?: readonly TextFile[]
  dependencies?: readonly Dependency[]
  lock?: Readonly<Record<string, LockEntry>>
}): House {
  const rooms: Room[] = Object.entries(parts.rooms ?? {}).map(([folder, room]) => sampleRoom(folder, room))
  return { rooms, files: parts.files ?? [], dependencies: parts.dependencies ?? [], lock: parts.lock ?? {} }
}

t.test('the reader sees the house', async (t) => {
  const keyring = house.rooms.find(({ name }) => name === '@tacit/keyring')
  t.ok(keyring?.sources.some(({ path }) => path === 'packages/keyring/src/index.ts'))
  t.ok(keyring?.references.includes('packages/contracts'))
  t.ok(house.files.some(({ path }) => path === 'package.json'))
  t.notOk(house.files.some(({ path }) => /(^|\/)(dist|node_modules)\//.test(path)))
  t.ok(house.dependencies.some(({ name, licence }) => name === 'fastify' && licence === 'MIT'))
})

t.test('every form of import is read, and no comment or string is', async (t) => {
  const facts = moduleFacts(
    'x.ts',
    [
      `import a, { b as c } from 'one'`,
      `import type { D } from 'two'`,
      `export * from "three"`,
      `export { e } from 'four'`,
      `import 'five'`,
      `const f = await import('six')`,
      `type G = import('seven').G`,
      `const h = require('eight')`,
      `const n = createRequire(import.meta.url)('nine')`,
      `// import i from 'comment'`,
      'const j = `import k from "template"`',
      `const l = /import m from 'regex'/`,
    ].join('\n'),
  )
  const specifiers = facts.imports.map(({ specifier }) => specifier)
  t.same(specifiers.toSorted(), ['eight', 'five', 'four', 'nine', 'one', 'seven', 'six', 'three', 'two'])
  t.equal(facts.importsUnknown, false)
  t.equal(moduleFacts('x.ts', 'await import(name)').importsUnknown, true)
})

t.test('neither a property nor what a file declares itself is a use of a global', async (t) => {
  const uses = (text: string) => moduleFacts('x.ts', text).globals.has('process')
  t.equal(uses('process.env'), true)
  t.equal(uses('const { env } = process'), true)
  t.equal(uses('const x = { process }'), true)
  t.equal(uses('function process() {} process()'), false)
  t.equal(uses('clock.process(); const y = { process: 1 }; interface Z { process: number }'), false)
})

t.test('no service knows a service, and no package knows a service', async (t) => {
  t.same(rules.layerBreaches(house), [])
  const bad = sample({
    rooms: {
      'services/keeper': {},
      'services/collector': { text: `import '@tacit/keeper'` },
      'packages/keyring': { dependencies: ['@tacit/keeper'] },
      'services/tacit': { dependencies: ['@tacit/keeper', '@tacit/collector'] },
    },
  })
  t.same(rules.layerBreaches(bad), [
    'services/collector must not depend on services/keeper',
    'packages/keyring must not depend on services/keeper',
  ])
})

t.test('the rooms have no cycle', async (t) => {
  t.same(rules.cycleBreaches(house), [])
  const bad = sample({
    rooms: {
      'packages/a': { dependencies: ['@tacit/b'] },
      'packages/b': { text: `import type { C } from '@tacit/c'` },
      'packages/c': { dependencies: ['@tacit/a'] },
    },
  })
  t.same(rules.cycleBreaches(bad), ['cycle: packages/a -> packages/b -> packages/c -> packages/a'])
})

t.test('a room declares what it imports, uses front doors only, and stays inside', async (t) => {
  t.same(rules.importBreaches(house), [])
  const text = `import '@tacit/b'\nimport '@tacit/c/dist/x.js'\nimport '../../b/src/index.js'\nimport './y.js'`
  const testing = { dependencies: ['@tacit/c'], text: `import '@tacit/c/testing'` }
  const bad = sample({
    rooms: {
      'packages/a': { dependencies: ['@tacit/c'], text },
      'packages/b': {},
      'packages/c': {},
      'packages/d': testing,
      'packages/e': { ...testing, path: 'src/x.test.ts' },
      tests: { ...testing, path: 'src/support/x.ts' },
    },
  })
  t.same(rules.importBreaches(bad), [
    'packages/a/src/x.ts imports @tacit/b, which packages/a does not declare',
    'packages/a/src/x.ts imports the inside of @tacit/c',
    'packages/a/src/x.ts reaches out of its room: ../../b/src/index.js',
    'packages/d/src/x.ts imports the inside of @tacit/c',
  ])
})

t.test('the compiler knows the same order of rooms as npm', async (t) => {
  t.same(rules.referenceBreaches(house), [])
  const bad = sample({
    rooms: {
      'packages/a': { dependencies: ['@tacit/b'], references: ['packages/c'] },
      'packages/b': {},
      'packages/c': {},
    },
  })
  t.same(rules.referenceBreaches(bad), [
    'packages/a/tsconfig.json lacks a reference to packages/b',
    'packages/a/tsconfig.json references packages/c, which is not declared',
  ])
})

t.test('pure packages stay pure', async (t) => {
  t.same(rules.purityBreaches(house), [])
  const impure = [
    `import { readFileSync } from 'node:fs'`,
    `import { readFile } from 'node:fs/promises'`,
    `import { get } from 'http'`,
    `import { connect } from 'node:net'`,
    `import * as net from 'node:net'`,
    `import { setTimeout as sleep } from 'node:timers/promises'`,
    `import { Worker } from 'node:worker_threads'`,
    `import { open } from 'lmdb'`,
    `import fastify from 'fastify'`,
    `import { createClient } from '@clickhouse/client'`,
    `export const home = process.env['HOME']`,
    `setTimeout(() => {}, 1)`,
    `globalThis.fetch('http://localhost')`,
    `await import(name)`,
  ]
  for (const text of impure) {
    t.equal(rules.purityBreaches(sample({ rooms: { 'packages/contracts': { text } } })).length, 1, text)
    t.same(rules.purityBreaches(sample({ rooms: { 'packages/warehouse': { text } } })), [])
  }
  const pure = `import { BlockList, isIP } from 'node:net'\nimport { createHmac } from 'node:crypto'`
  t.same(rules.purityBreaches(sample({ rooms: { 'packages/contracts': { text: pure } } })), [])
  const test = { text: `import 'node:fs'`, path: 'src/x.test.ts' }
  t.same(rules.purityBreaches(sample({ rooms: { 'packages/contracts': test } })), [])
})

t.test('a store is reached through the room that hides it', async (t) => {
  t.same(rules.confinementBreaches(house), [])
  const text = `import 'lmdb'\nimport 'chdb/connection'\nimport 'ffi-rs'\nimport '@clickhouse/client'`
  const breaches = (folder: string) =>
    rules.confinementBreaches(sample({ rooms: { [folder]: { text } } })).length
  t.equal(breaches('services/collector'), 4)
  t.equal(breaches('packages/warehouse'), 1)
  t.equal(breaches('packages/event-log'), 3)
  t.equal(breaches('services/aggregator'), 3)
})

t.test('direct dependencies have permissive licences', async (t) => {
  t.same(rules.licenceBreaches(house), [])
  const licences = ['AGPL-3.0', '(GPL-2.0 OR MIT)', 'MIT AND GPL-3.0', 'none stated', 'MIT OR Apache-2.0']
  const dependencies = licences.map((licence, index) => ({ name: `p${index}`, licence }))
  t.same(rules.licenceBreaches(sample({ dependencies })), [
    'p0: licence AGPL-3.0',
    'p2: licence MIT AND GPL-3.0',
    'p3: licence none stated',
  ])
})

t.test('no source has more than 400 lines', async (t) => {
  t.same(rules.lengthBreaches(house), [])
  const files = [400, 401].map((lines) => ({ path: `packages/a/src/${lines}.ts`, text: 'x\n'.repeat(lines) }))
  t.same(rules.lengthBreaches(sample({ files })), ['packages/a/src/401.ts has 401 lines'])
})

t.test('nothing names a folder of a machine or a package registry', async (t) => {
  const configured = process.env['npm_config_registry']
  t.same(rules.machineBreaches(house, configured ? new URL(configured).host : undefined), [])
  const files = [
    { path: 'a.md', text: `see ${'/work'}/main/x` },
    { path: 'b.md', text: `npm set registry=https://${'registry'}.example.org/` },
    { path: 'c.md', text: 'https://mirror.example.org/npm' },
    { path: 'd.md', text: 'packages/work/x, home/work/x' },
  ]
  t.same(rules.machineBreaches(sample({ files }), 'mirror.example.org'), [
    'a.md names a folder of a machine',
    'b.md names a package registry',
    'c.md names a package registry',
  ])
})

t.test('the lock file works with any registry and on any platform', async (t) => {
  t.same(rules.lockBreaches(house), [])
  const lock = {
    'node_modules/a': {
      resolved: 'https://example.org/a.tgz',
      optionalDependencies: { b: '1.0.0', c: '1.0.0' },
    },
    'node_modules/b': { resolved: 'packages/b' },
  }
  t.same(rules.lockBreaches(sample({ lock })), [
    'package-lock.json says where node_modules/a comes from',
    'package-lock.json lacks c: run node scripts/complete-lock.mjs',
  ])
})
