/**
 * A realm's rulebooks: the one that rules, those of batches on their way, those that ruled over a window. The register
 * says which, the archive holds their texts; a realm without a register (the sample) has one for ever.
 */
import { existsSync } from 'node:fs'
import type { Reign, Rulebooks } from '@tacit/aggregator'
import { RulebookRegister } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import type { RealmLayout } from './layout.js'
import type { RegisterEvidence } from './register-evidence.js'
import { archivedRulebook } from './rulebook-files.js'
import { type History, historyOf, ruling } from './rulebook-history.js'

export class RealmRulebooks implements Rulebooks {
  readonly register: RulebookRegister | null
  readonly #archive: string
  readonly #known = new Map<string, Rulebook>()
  #current: Rulebook
  #evidence: Pick<RegisterEvidence, 'entries' | 'isKnown'> | null = null

  readonly #isDriven: boolean

  /** @param isDriven windows of the past are decided now, by the one that rules now */
  constructor(layout: RealmLayout, current: Rulebook, isDriven = false) {
    this.#isDriven = isDriven
    this.#archive = layout.archive
    this.#current = current
    this.#known.set(current.hash, current)
    this.register = existsSync(layout.register) ? RulebookRegister.open(layout.register) : null
  }

  get history(): History {
    return historyOf(this.register?.entries() ?? [])
  }

  /** ms: events before are late under the one that rules. */
  get notBefore(): number {
    if (this.#isDriven) return Number.NEGATIVE_INFINITY
    return this.history.reigns.at(-1)?.notBefore ?? Number.NEGATIVE_INFINITY
  }

  current(): Rulebook {
    return this.#current
  }

  ofHash(hash: string): Rulebook | null {
    const known = this.#known.get(hash)
    if (known !== undefined) return known
    // The sample's rulebook is derived anew at each start, with other dates and origins and the same columns.
    if (this.register === null) return this.#current
    if (!this.history.reigns.some((reign) => reign.hash === hash)) return null
    return this.#load(hash)
  }

  /** Every one that ever ruled here: rows of each may still be on their way. */
  all(): readonly Rulebook[] {
    const hashes = new Set(this.history.reigns.map(({ hash }) => hash))
    return [
      this.#current,
      ...[...hashes].filter((hash) => hash !== this.#current.hash).map((hash) => this.#load(hash)),
    ]
  }

  ruling(start: number, end: number, closes: number): readonly Rulebook[] {
    if (this.#isDriven) return [this.#current]
    const reigns = ruling(this.history.reigns, start, end, closes)
    // The window of a reign that began when nothing was recorded yet is the current one's.
    return reigns.length === 0 ? [this.#current] : reigns.map(({ hash }) => this.#load(hash))
  }

  /** From now on what ruled when is said by the audit log, which nobody can write anew. */
  believe(evidence: Pick<RegisterEvidence, 'entries' | 'isKnown'> | null): void {
    this.#evidence = evidence
  }

  reigns(): readonly Reign[] | null {
    if (this.register === null || this.#evidence?.isKnown === false) return null
    const { reigns } = historyOf((this.#evidence ?? this.register).entries())
    return reigns.map(({ from, hash }, at) => ({
      hash,
      from,
      until: reigns[at + 1]?.from ?? Number.POSITIVE_INFINITY,
    }))
  }

  /** Another one rules from now on. */
  ruleBy(rulebook: Rulebook): void {
    this.#known.set(rulebook.hash, rulebook)
    this.#current = rulebook
  }

  #load(hash: string): Rulebook {
    let rulebook = this.#known.get(hash)
    if (rulebook === undefined) {
      rulebook = archivedRulebook(this.#archive, hash)
      this.#known.set(hash, rulebook)
    }
    return rulebook
  }
}
