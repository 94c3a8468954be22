/**
 * `node scripts/complete-lock.mjs`, after `npm install` has changed package-lock.json: adds the optional packages of
 * other platforms that npm could not look up.
 *
 * A registry mirror may hold only the binaries of its own platform. npm then leaves the others out of the lock file,
 * and `npm ci` refuses that lock file everywhere. Their version is pinned by the package that asks for them, and
 * their platform is their name; only the checksum stays unknown, so none is written.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OS = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
])
const CPU = new Set([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
])

/** Where names of packages differ from `process.platform` and `process.arch`. */
const ALIASES = new Map([
  ['windows', 'win32'],
  ['armv7', 'arm'],
  ['armv6', 'arm'],
  ['ppc64le', 'ppc64'],
  ['wasm', 'wasm32'],
])

/**
 * @param {string} name such as `@scope/binding-linux-arm64-musl`
 * @returns {{ os?: string[], cpu?: string[], libc?: string[] }}
 */
function platformOf(name) {
  const words = name.split(/[-/_.]/).map((word) => ALIASES.get(word) ?? word)
  const os = words.filter((word) => OS.has(word))
  const cpu = words.filter((word) => CPU.has(word))
  const arm = words.some((word) => /^arm-?.*eabi/.test(word)) && cpu.length === 0 ? ['arm'] : []
  const musl = words.some((word) => word.startsWith('musl'))
  const glibc = words.some((word) => word === 'gnu' || word.startsWith('gnueabi') || word === 'glibc')
  const libc = musl ? ['musl'] : glibc ? ['glibc'] : []
  return {
    ...(os.length > 0 ? { os } : {}),
    ...(cpu.length + arm.length > 0 ? { cpu: [...cpu, ...arm] } : {}),
    ...(libc.length > 0 ? { libc } : {}),
  }
}

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const added = []
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${place}/node_modules/${name}`
    const hoisted = `node_modules/${name}`
    if (nested in lock.packages || hoisted in lock.packages) continue
    const platform = platformOf(name)
    // Without a platform npm would fetch it on every machine: better a lock file that `npm ci` refuses.
    if (Object.keys(platform).length === 0) {
      process.stderr.write(`${name} is missing, and its name says no platform: left out\n`)
      process.exitCode = 1
      continue
    }
    lock.packages[hoisted] = {
      version: String(version).replace(/^[\^~]/, ''),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...platform,
    }
    added.push(name)
  }
}
if (added.length > 0) {
  const entries = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  lock.packages = Object.fromEntries(entries)
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
}
process.stdout.write(`${added.length} optional packages added to package-lock.json\n`)
