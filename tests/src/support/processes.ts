/** What Linux' /proc tells about a process to whoever may look. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

function read(pid: number, name: string): string {
  return readFileSync(`/proc/${String(pid)}/${name}`, 'latin1')
}

/** A process and all that it started, itself first. */
export function familyOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => {
      try {
        return new RegExp(`^PPid:\\t${String(pid)}$`, 'm').test(read(other, 'status'))
      } catch {
        // It ended meanwhile.
        return false
      }
    })
  return [pid, ...children.flatMap(familyOf)]
}

/** Everybody on the machine reads the arguments, every process of the same user the environment. */
export function shownBy(pid: number): Buffer {
  return Buffer.from(`${read(pid, 'cmdline')}\n${read(pid, 'environ')}`, 'latin1')
}

/** Soft and hard limit of a core file, and the kinds of pages that go into a core. */
export function coreLimitsOf(pid: number): {
  readonly limits: readonly string[]
  readonly filter: number
} {
  const [, soft = '', hard = ''] = /^Max core file size +(\S+) +(\S+)/m.exec(read(pid, 'limits')) ?? []
  return { limits: [soft, hard], filter: Number.parseInt(read(pid, 'coredump_filter'), 16) }
}

/** Number of sockets on which a process listens, by TCP over IPv4. */
export function listenersOf(pid: number): number {
  const listening = new Set(
    read(pid, 'net/tcp')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map((fields) => `socket:[${fields[9] ?? ''}]`),
  )
  const folder = `/proc/${String(pid)}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      return listening.has(readlinkSync(`${folder}/${name}`))
    } catch {
      return false
    }
  }).length
}
