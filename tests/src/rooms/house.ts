import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, relative, sep } from 'node:path'
import { type ModuleFacts, moduleFacts } from './module-facts.js'

/** A text file of the repository; `path` is relative to its root, with `/`. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

/** A source file of a room. */
export interface Source extends TextFile {
  readonly facts: ModuleFacts
}

/** A workspace. */
export interface Room {
  /** Such as `packages/keyring`. */
  readonly folder: string
  /** Such as `@tacit/keyring`. */
  readonly name: string
  /** Names of the packages it declares. */
  readonly dependencies: readonly string[]
  /** Folders of the rooms that its tsconfig.json references. */
  readonly references: readonly string[]
  readonly sources: readonly Source[]
}

/** A package that a room or the root depends on directly. */
export interface Dependency {
  readonly name: string
  readonly licence: string
}

/** An entry of package-lock.json. */
export interface LockEntry {
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Everything that the rules look at. */
export interface House {
  readonly rooms: readonly Room[]
  readonly files: readonly TextFile[]
  readonly dependencies: readonly Dependency[]
  readonly lock: Readonly<Record<string, LockEntry>>
}

const GENERATED = new Set([
  'node_modules',
  'dist',
  'web-dist',
  '.git',
  '.cache',
  '.tacit',
  '.tap',
  'coverage',
])
const SOURCE = new Set(['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs'])

/** The parts that are read of package.json, tsconfig.json and package-lock.json. */
interface Manifest {
  readonly name: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}
interface Tsconfig {
  readonly references?: readonly { readonly path: string }[]
}
interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>
}

/** The shapes are npm's and TypeScript's: both have read these files before we do. */
function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8'))
}
const slashed = (path: string): string => path.split(sep).join('/')

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return GENERATED.has(entry.name) ? [] : walk(path)
    return entry.isFile() ? [path] : []
  })
}

function readRoom(root: string, folder: string, files: readonly TextFile[]): Room {
  const manifest = readJson<Manifest>(join(root, folder, 'package.json'))
  const { references = [] } = readJson<Tsconfig>(join(root, folder, 'tsconfig.json'))
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  return {
    folder,
    name: manifest.name,
    dependencies: Object.keys({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
      ...peerDependencies,
    }),
    references: references.map(({ path }) => slashed(relative(root, join(root, folder, path)))),
    sources: files
      .filter(({ path }) => path.startsWith(`${folder}/`) && SOURCE.has(extname(path)))
      .map((file) => ({ ...file, facts: moduleFacts(file.path, file.text) })),
  }
}

/** A package may be installed in the room itself when another room wants another version. */
function readLicence(root: string, folder: string, name: string): Dependency {
  const places = [join(root, folder, 'node_modules', name), join(root, 'node_modules', name)]
  const place = places.find((candidate) => existsSync(join(candidate, 'package.json')))
  const licence = place
    ? (readJson<Manifest>(join(place, 'package.json')).license ?? 'none stated')
    : 'not installed'
  return { name, licence }
}

/** Reads the repository at `root`, without what is generated. */
export function readHouse(root: string): House {
  const files = walk(root)
    .map((path) => ({ path: slashed(relative(root, path)), text: readFileSync(path, 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
  const folders = files
    .filter(({ path }) => /^((packages|services)\/[^/]+|tests)\/package\.json$/.test(path))
    .map(({ path }) => dirname(path))
  const rooms = folders.map((folder) => readRoom(root, folder, files))
  const rootManifest = readJson<Manifest>(join(root, 'package.json'))
  const direct = [
    ...Object.keys(rootManifest.devDependencies ?? {}).map((name) => ({ folder: '.', name })),
    ...rooms.flatMap(({ folder, dependencies }) => dependencies.map((name) => ({ folder, name }))),
  ].filter(({ name }) => !name.startsWith('@tacit/'))
  return {
    rooms,
    files,
    dependencies: direct.map(({ folder, name }) => readLicence(root, folder, name)),
    lock: readJson<Lock>(join(root, 'package-lock.json')).packages,
  }
}
