/**
 * `node infra/probe.mjs URL [FOLDER NAME]`: the health check of a container that has no curl. Exit code 0 where the URL
 * answers 200 within three seconds. With a folder it proves who it is by FOLDER/NAME.pem and FOLDER/NAME.key and trusts
 * FOLDER/keys-ca.pem and nobody else: the keeper talks to nobody without a certificate.
 */
import { readFileSync } from 'node:fs'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { join } from 'node:path'

const TIMEOUT_MS = 3_000
const [url = '', folder, name] = process.argv.slice(2)

/** @param {string} file */
const read = (file) => readFileSync(join(folder ?? '', file))

const identity =
  folder === undefined
    ? {}
    : { ca: read('keys-ca.pem'), cert: read(`${name}.pem`), key: read(`${name}.key`), minVersion: 'TLSv1.3' }
const get = url.startsWith('https:') ? getSecure : getPlain

/** @param {string} why */
function fail(why) {
  process.stderr.write(`probe: ${why}\n`)
  process.exit(1)
}

setTimeout(() => fail('no answer'), TIMEOUT_MS)
get(url, { ...identity, agent: false }, (response) => {
  if (response.statusCode === 200) process.exit(0)
  fail(`status ${String(response.statusCode)}`)
}).on('error', (error) => fail('code' in error ? String(error.code) : 'no connection'))
