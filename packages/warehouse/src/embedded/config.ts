/** The server's configuration: the templates of `infra/clickhouse`, filled in for one start. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TEMPLATES = fileURLToPath(new URL('../../../../infra/clickhouse/', import.meta.url))
const PRIVATE = 'private-'

export interface ServerConfig {
  readonly username: string
  readonly password: string
  readonly memoryBytes: number
  /** folder of the templates `config.xml` and `users.xml`; absent: `infra/clickhouse` of this repository */
  readonly configDir?: string
}

/** The value of the `Authorization` header that opens the server. */
export function authorizationOf(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${String(char.charCodeAt(0))};`)
}

/** Replaces each `@NAME@`. @throws Error where the template has a name that is not given. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/@([A-Z_0-9]+)@/g, (_match, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the template names @${name}@, which nobody fills in`)
    return escapeXml(value)
  })
}

/**
 * Writes both files, mode 0600, into a new private folder (0700) below `dir`. They hold what opens the server, so the
 * folder goes as soon as the server has read them.
 * @returns the path of `config.xml`, and how to remove the folder
 */
export async function writePrivateConfig(
  dir: string,
  config: ServerConfig,
): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const folder = join(dir, `${PRIVATE}${randomBytes(8).toString('hex')}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const values = {
    USERS_FILE: join(folder, 'users.xml'),
    AUTHORIZATION: authorizationOf(config.username, config.password),
    MEMORY_BYTES: String(config.memoryBytes),
    PASSWORD_SHA256: createHash('sha256').update(config.password, 'utf8').digest('hex'),
  }
  for (const name of ['users.xml', 'config.xml']) {
    const template = await readFile(join(config.configDir ?? TEMPLATES, name), 'utf8')
    await writeFile(join(folder, name), fillTemplate(template, values), { mode: 0o600 })
  }
  return {
    file: join(folder, 'config.xml'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Removes the private folders that a killed start left below `dir`. */
export async function removePrivateConfigs(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.startsWith(PRIVATE)) await rm(join(dir, name), { recursive: true, force: true })
  }
}
