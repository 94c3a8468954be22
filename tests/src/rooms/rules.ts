/** The rules of the house. Each takes what was read of the repository and returns one sentence for each breach. */
import { posix } from 'node:path'
import type { House, Room } from './house.js'

/** The composition root: the only room that may know the services. */
const COMPOSITION_ROOT = 'services/tacit'

/** Rooms of pure functions: they read no disk, network, process or timer, so that a test owns all their inputs. */
const PURE = new Set(['access-log', 'anonymizer', 'contracts', 'disclosure', 'keyring', 'rulebook'])
const IMPURE_MODULES =
  /^(node:)?(fs|http2?|https|child_process|process|timers|worker_threads|cluster|dgram|tls|dns)(\/.*)?$/
const IMPURE_PACKAGES = /^(fastify|lmdb|undici|@clickhouse\/client)(\/.*)?$/
const PURE_NAMES_OF_NET = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList'])
const IMPURE_GLOBALS = ['process', 'globalThis', 'fetch', 'setTimeout', 'setInterval', 'setImmediate']

/** Packages behind a port, and the rooms that hold its adapters. */
const CONFINED: readonly { packages: RegExp; rooms: readonly string[] }[] = [
  { packages: /^(chdb|ffi-rs|@clickhouse\/client)(\/.*)?$/, rooms: ['packages/warehouse'] },
  { packages: /^lmdb(\/.*)?$/, rooms: ['packages/event-log', 'services/aggregator'] },
]

const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
])

const MAX_LINES = 400

const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || path.includes('/testing/')
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** The rooms that a room imports or declares, as folders. */
function neighbours(house: House, room: Room): string[] {
  const imported = room.sources.flatMap(({ facts }) =>
    facts.imports.map(({ specifier }) => packageOf(specifier)),
  )
  const names = new Set([...room.dependencies, ...imported])
  return house.rooms.filter(({ name }) => names.has(name) && name !== room.name).map(({ folder }) => folder)
}

/** A service knows no service, a package knows neither services nor tests. */
export function layerBreaches(house: House): string[] {
  return house.rooms
    .filter(({ folder }) => folder !== COMPOSITION_ROOT && folder !== 'tests')
    .flatMap((room) =>
      neighbours(house, room)
        .filter((other) => !other.startsWith('packages/'))
        .map((other) => `${room.folder} must not depend on ${other}`),
    )
}

/** The rooms have an order: following dependencies never leads back. */
export function cycleBreaches(house: House): string[] {
  const edges = new Map(house.rooms.map((room) => [room.folder, neighbours(house, room)]))
  const done = new Set<string>()
  const breaches: string[] = []
  const visit = (folder: string, way: readonly string[]): void => {
    const start = way.indexOf(folder)
    if (start >= 0) breaches.push(`cycle: ${[...way.slice(start), folder].join(' -> ')}`)
    if (start >= 0 || done.has(folder)) return
    for (const next of edges.get(folder) ?? []) visit(next, [...way, folder])
    done.add(folder)
  }
  for (const { folder } of house.rooms) visit(folder, [])
  return breaches
}

/**
 * What a room imports of another, it declares, and takes from its front door; its own files stay inside. Tests may use
 * a second door, `/testing`.
 */
export function importBreaches(house: House): string[] {
  return house.rooms.flatMap((room) =>
    room.sources.flatMap(({ path, facts }) =>
      facts.imports.flatMap(({ specifier }) => {
        if (specifier.startsWith('.')) {
          const target = posix.join(posix.dirname(path), specifier)
          return target.startsWith(`${room.folder}/`) ? [] : [`${path} reaches out of its room: ${specifier}`]
        }
        if (!specifier.startsWith('@tacit/')) return []
        const name = packageOf(specifier)
        if (!room.dependencies.includes(name))
          return [`${path} imports ${name}, which ${room.folder} does not declare`]
        const isOpen =
          specifier === name || (specifier === `${name}/testing` && (isTest(path) || room.folder === 'tests'))
        return isOpen ? [] : [`${path} imports the inside of ${name}`]
      }),
    ),
  )
}

/** `tsc -b` builds in the order of the references: each declared room is one, and nothing else is. */
export function referenceBreaches(house: House): string[] {
  return house.rooms.flatMap((room) => {
    const declared = house.rooms
      .filter(({ name }) => room.dependencies.includes(name))
      .map(({ folder }) => folder)
    return [
      ...declared
        .filter((folder) => !room.references.includes(folder))
        .map((folder) => `${room.folder}/tsconfig.json lacks a reference to ${folder}`),
      ...room.references
        .filter((folder) => !declared.includes(folder))
        .map((folder) => `${room.folder}/tsconfig.json references ${folder}, which is not declared`),
    ]
  })
}

/** Pure rooms do no input or output. Their tests may. */
export function purityBreaches(house: House): string[] {
  return house.rooms
    .filter(({ folder }) => PURE.has(folder.replace('packages/', '')))
    .flatMap(({ sources }) => sources)
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, facts }) => [
      ...facts.imports
        .filter(({ specifier, names }) => {
          if (/^(node:)?net$/.test(specifier)) return !names.every((name) => PURE_NAMES_OF_NET.has(name))
          return IMPURE_MODULES.test(specifier) || IMPURE_PACKAGES.test(specifier)
        })
        .map(({ specifier }) => `${path} is in a pure room and imports ${specifier}`),
      ...IMPURE_GLOBALS.filter((name) => facts.globals.has(name)).map(
        (name) => `${path} is in a pure room and uses ${name}`,
      ),
      ...(facts.importsUnknown ? [`${path} is in a pure room and imports what only a run can tell`] : []),
    ])
}

/** A store's client stays in the rooms that hide the store. */
export function confinementBreaches(house: House): string[] {
  return house.rooms.flatMap(({ folder, sources }) =>
    sources.flatMap(({ path, facts }) =>
      facts.imports
        .filter(({ specifier }) =>
          CONFINED.some(({ packages, rooms }) => packages.test(specifier) && !rooms.includes(folder)),
        )
        .map(({ specifier }) => `${path} imports ${specifier}`),
    ),
  )
}

/** Direct dependencies are under permissive licences; of alternatives, one must be. */
export function licenceBreaches(house: House): string[] {
  return house.dependencies
    .filter(({ licence }) => {
      const alternatives = licence.replace(/^\((.*)\)$/, '$1').split(' OR ')
      return !alternatives.some((alternative) => PERMISSIVE.has(alternative))
    })
    .map(({ name, licence }) => `${name}: licence ${licence}`)
}

/** Sources stay short enough to hold one idea. */
export function lengthBreaches(house: House): string[] {
  return house.files
    .filter(({ path }) => /\.(tsx?|m?js|css)$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines`)
}

/**
 * Nothing tracked names a folder of the machine it was written on or a package registry.
 * @param registry the host that this machine's npm is set to, if known
 */
export function machineBreaches(house: House, registry?: string): string[] {
  // Put together here, so that this file passes its own rule.
  const folder = new RegExp(`(^|[^\\w.-])/${'work'}/`)
  const host = /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b/i
  return house.files.flatMap(({ path, text }) => [
    ...(folder.test(text) ? [`${path} names a folder of a machine`] : []),
    ...(host.test(text) || (registry && text.includes(registry)) ? [`${path} names a package registry`] : []),
  ])
}

/** The lock file works with any registry and on any platform: no addresses, and every optional package named. */
export function lockBreaches({ lock }: House): string[] {
  return Object.entries(lock).flatMap(([place, { resolved, optionalDependencies }]) => [
    ...(resolved?.includes('://') ? [`package-lock.json says where ${place} comes from`] : []),
    ...Object.keys(optionalDependencies ?? {})
      .filter((name) => !(`${place}/node_modules/${name}` in lock) && !(`node_modules/${name}` in lock))
      .map((name) => `package-lock.json lacks ${name}: run node scripts/complete-lock.mjs`),
  ])
}
