/**
 * How `rules shadow` and the running instance talk: two small files in the realm's directory, which nobody but its owner
 * reads (0600 in 0700).
 *
 * Invariants
 * - A request is written whole and linked into place: one shadow at a time, and none is half read.
 * - The answer holds shares, never counters, and is written whole; both are gone when the shadow is.
 * Recovery: the instance removes what it finds at its start; a request whose writer is gone ends its shadow.
 */
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { z } from 'zod'

/** A rulebook with its catalogues is some 20 KB; what is larger was not written by us. */
const MAX_BYTES = 16 * 1024 * 1024

const requestSchema = z.strictObject({
  id: z.uuid(),
  /** who waits for the answer */
  pid: z.int().positive(),
  /** of the rulebook that is tried */
  hash: z.string(),
  /** texts of the rulebook and its catalogues by file name */
  sources: z.record(z.string(), z.string()),
  /** ms */
  lasts: z.int().positive(),
  /** at most one beacon in so many is tried */
  oneIn: z.int().positive(),
})

const percent = z.int().min(0).max(100)
const answerSchema = z.strictObject({
  id: z.uuid(),
  /** `refused`: the instance could not begin it, `code` says why */
  state: z.enum(['running', 'ended', 'changed', 'failed', 'refused']),
  code: z.string().optional(),
  /** ms since it began */
  ran: z.number(),
  /** the rulebook that rules; null where the shadow was refused */
  beside: z.strictObject({ name: z.string(), version: z.string(), hash: z.string() }).nullable(),
  report: z
    .strictObject({
      events: z.int().nullable(),
      tried: percent.nullable(),
      changed: percent.nullable(),
      outcomes: z
        .array(z.strictObject({ now: z.string(), next: z.string(), share: percent }).readonly())
        .readonly()
        .nullable(),
      dimensions: z
        .array(z.strictObject({ dimension: z.string(), differs: percent }).readonly())
        .readonly()
        .nullable(),
      added: z.array(z.string()).readonly(),
      removed: z.array(z.string()).readonly(),
    })
    .readonly()
    .nullable(),
})

export type ShadowRequest = z.infer<typeof requestSchema>
export type ShadowAnswer = z.infer<typeof answerSchema>

const requestFile = (dir: string): string => join(dir, 'request.json')
const answerFile = (dir: string): string => join(dir, 'answer.json')

function readJson<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> | null {
  try {
    return statSync(file).size > MAX_BYTES ? null : schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

function writeWhole(file: string, value: unknown, place: (fresh: string, file: string) => void): void {
  const fresh = `${file}.${randomUUID()}`
  writeFileSync(fresh, JSON.stringify(value), { mode: 0o600, flag: 'wx' })
  try {
    place(fresh, file)
  } finally {
    rmSync(fresh, { force: true })
  }
}

/**
 * Asks for a shadow. @param dir the realm's folder for it @returns the request's id
 * @throws TacitError ERR_SHADOW_BUSY where another one is asked for
 */
export function askForShadow(
  dir: string,
  { hash, sources }: Rulebook,
  options: { readonly lasts: number; readonly oneIn: number },
): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const id = randomUUID()
  const request: ShadowRequest = { id, pid: process.pid, hash, sources, ...options }
  try {
    writeWhole(requestFile(dir), request, linkSync)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new TacitError(
      'ERR_SHADOW_BUSY',
      'Another rulebook is being tried on this instance; wait until it has ended, then try again',
    )
  }
  return id
}

/** What is asked for, or null where nothing is. */
export function readShadowRequest(dir: string): ShadowRequest | null {
  return readJson(requestFile(dir), requestSchema)
}

export function answerShadow(dir: string, answer: ShadowAnswer): void {
  writeWhole(answerFile(dir), answer, renameSync)
}

/** The answer to a request, or null while there is none. */
export function readShadowAnswer(dir: string, id: string): ShadowAnswer | null {
  const answer = readJson(answerFile(dir), answerSchema)
  return answer?.id === id ? answer : null
}

/** Takes back a request; what runs for it ends. */
export function withdrawShadowRequest(dir: string, id: string): void {
  if (readShadowRequest(dir)?.id === id) rmSync(requestFile(dir), { force: true })
}

export function removeShadowAnswer(dir: string): void {
  rmSync(answerFile(dir), { force: true })
}

/** Nothing is left of any shadow. */
export function forgetShadows(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}
