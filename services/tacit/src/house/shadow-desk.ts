/**
 * The running instance's side of `rules shadow`: begins what is asked for, says how far it is, and ends it.
 *
 * Invariants
 * - One shadow at a time; it ends with its time, its request, whoever asked, the rulebook that ruled, or the instance.
 * - Nothing here reaches the real path: what fails is said to whoever asked, by its code.
 * Recovery: what an earlier run left is removed at the start.
 */
import { compileAnonymizer, createUserAgentReader, MAX_RAW_AGE_MS } from '@tacit/anonymizer'
import type { Shadow } from '@tacit/collector'
import { type Clock, TacitError } from '@tacit/contracts'
import { parseRulebook, RULEBOOK_FILE, type Rulebook, storedPlans } from '@tacit/rulebook'
import { requireSameHouse } from './activation.js'
import { compileOptions } from './countries.js'
import type { Realm } from './realm.js'
import { isAlive } from './run-file.js'
import {
  answerShadow,
  forgetShadows,
  readShadowRequest,
  removeShadowAnswer,
  type ShadowRequest,
  withdrawShadowRequest,
} from './shadow-request.js'
import { errorCode } from './error-code.js'

const LOOK_EVERY_MS = 500
const USER_AGENTS = 5_000

export interface ShadowDeskOptions {
  /** the realm's folder for shadows */
  readonly dir: string
  /** the rulebook that rules now */
  readonly ruling: () => Rulebook
  /** begins to try a rulebook beside it */
  readonly begin: (next: Rulebook, oneIn: number) => Shadow
  /** ends what `begin` began */
  readonly end: () => void
  /** ms that never go back; default `performance.now` */
  readonly elapsed?: () => number
  /** whether whoever asked still waits */
  readonly waits?: (pid: number) => boolean
}

interface Running {
  readonly request: ShadowRequest
  readonly shadow: Shadow
  readonly beside: { readonly name: string; readonly version: string; readonly hash: string }
  readonly begun: number
}

export class ShadowDesk {
  readonly #options: Required<ShadowDeskOptions>
  #running: Running | null = null
  /** id of the request that had its last answer */
  #answered: string | null = null

  constructor(options: ShadowDeskOptions) {
    this.#options = { elapsed: () => performance.now(), waits: isAlive, ...options }
    forgetShadows(options.dir)
  }

  /** Looks what is asked for. Never throws: a disk that fails ends the shadow, and whoever asked sees no more answers. */
  look(): void {
    try {
      this.#look()
    } catch {
      this.#end()
    }
  }

  /** Ends what runs; nothing is left of it. */
  close(): void {
    this.#end()
    forgetShadows(this.#options.dir)
  }

  #look(): void {
    const { dir, waits } = this.#options
    let request = readShadowRequest(dir)
    if (request !== null && !waits(request.pid)) {
      withdrawShadowRequest(dir, request.id)
      request = null
    }
    if (this.#running !== null && this.#running.request.id !== request?.id) this.#end()
    if (request === null) {
      if (this.#answered !== null) removeShadowAnswer(dir)
      this.#answered = null
      return
    }
    if (this.#running === null && this.#answered !== request.id) this.#begin(request)
    if (this.#running !== null) this.#say(this.#running)
  }

  #begin(request: ShadowRequest): void {
    const { begin, dir, elapsed, ruling } = this.#options
    const beside = ruling()
    this.#answered = request.id
    try {
      // Examples and lints were looked at by whoever asked; here the same texts must give the same rulebook.
      const { rulebook } = parseRulebook({ file: RULEBOOK_FILE, texts: request.sources })
      if (rulebook === null || rulebook.hash !== request.hash) throw new TacitError('ERR_RULEBOOK_INVALID')
      requireSameHouse(beside, rulebook)
      this.#running = {
        request,
        shadow: begin(rulebook, request.oneIn),
        beside: { name: beside.name, version: beside.version, hash: beside.hash },
        begun: elapsed(),
      }
    } catch (error) {
      const code = errorCode(error)
      answerShadow(dir, { id: request.id, state: 'refused', code, ran: 0, beside: null, report: null })
    }
  }

  #say({ begun, beside, request, shadow }: Running): void {
    const { dir, elapsed } = this.#options
    const ran = elapsed() - begun
    if (ran >= request.lasts) shadow.end()
    // An ended one still knows what it counted.
    answerShadow(dir, { id: request.id, state: shadow.state, ran, beside, report: shadow.report() })
    if (shadow.state !== 'running') this.#end()
  }

  #end(): void {
    if (this.#running === null) return
    this.#running = null
    this.#options.end()
  }
}

/** Serves `rules shadow` for a realm. @returns ends it */
export function startShadowDesk(realm: Realm, clock: Clock): () => void {
  const { intake, layout, rulebooks } = realm
  const desk = new ShadowDesk({
    dir: layout.shadow,
    ruling: () => realm.rulebook,
    begin(next, oneIn) {
      const agents = createUserAgentReader({ maxEntries: USER_AGENTS, maxAgeMs: MAX_RAW_AGE_MS, clock })
      const side = (rulebook: Rulebook, notBefore: number) => ({
        rulebook,
        anonymizer: compileAnonymizer(rulebook, {
          ...compileOptions(rulebook, agents, clock),
          plans: storedPlans(rulebook),
          notBefore,
        }),
      })
      return intake.beginShadow({
        now: side(realm.rulebook, rulebooks.notBefore),
        // As if it had ruled all along.
        next: side(next, Number.NEGATIVE_INFINITY),
        oneIn,
      })
    },
    end: () => intake.endShadow(),
  })
  const timer = setInterval(() => desk.look(), LOOK_EVERY_MS)
  return () => {
    clearInterval(timer)
    desk.close()
  }
}
