/**
 * Mutants of the engine: its built modules copied with one piece replaced, so that the engine itself needs no way to
 * leave a check out.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { decisionTable } from '@tacit/anonymizer'
import type { Rulebook } from '@tacit/rulebook'
import type { Engine } from './subject.js'

export interface EngineMutation {
  readonly name: string
  /** module of the engine, without its extension */
  readonly module: string
  /** what stands there exactly once */
  readonly before: string
  readonly after: string
}

const ENGINE = fileURLToPath(new URL('../../../packages/anonymizer/dist/', import.meta.url))
const NODE_MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

const inModule =
  (module: string) =>
  (name: string, before: string, after: string): EngineMutation => ({ name, module, before, after })
const inDecision = inModule('decide')
const inCompile = inModule('compile')
const inIdentity = inModule('identity')
const inScan = inModule('event-scan')
const inDimensions = inModule('dimensions')
const inValues = inModule('values')

/** Each check of the decision table left out. The first row is the site's, which {@link COMPILE} takes out. */
function leftOutChecks(rulebook: Rulebook): readonly EngineMutation[] {
  return decisionTable(rulebook)
    .slice(1)
    .map(({ question }) =>
      inDecision(
        `nobody asks: ${question}`,
        'CHECKS.filter((check) => check.applies(rulebook, site))',
        `CHECKS.filter((check) => check.question !== ${JSON.stringify(question)} && check.applies(rulebook, site))`,
      ),
    )
}

const DECISION: readonly EngineMutation[] = [
  inDecision('a consent that says no is taken for one', 'if (refusal !== null)', 'if (false)'),
  inDecision('a consent of no readable time counts', 'Number.isNaN(at) || ', ''),
  inDecision(
    'a consent to no policy counts',
    " || consent.policy === undefined)\n        return 'consent.malformed'",
    ") return 'consent.malformed'",
  ),
  inDecision('a consent ahead of its time counts', 'at > now + HOUR', 'false'),
  inDecision('a consent never expires', 'if (isTooOld(', 'if (false && isTooOld('),
  inDecision('a consent to any policy counts', 'consent.policy === rulebook.policy.version', 'true'),
  inDecision(
    'a consent to a newer policy counts',
    'consent.policy === rulebook.policy.version',
    'consent.policy >= rulebook.policy.version',
  ),
  inDecision(
    'a consent to an older policy counts',
    'consent.policy === rulebook.policy.version',
    'consent.policy <= rulebook.policy.version',
  ),
  inDecision('who does not say to be a child is an adult', 'claims.adult !== true', 'claims.adult === false'),
  inDecision(
    'no region is the right one',
    'claims.region !== site.region',
    'claims.region !== undefined && claims.region !== site.region',
  ),
  inDecision('any page may speak', "origins.has(origin) ? null : 'wrong_origin'", 'null'),
  inDecision(
    'no page and no token may speak',
    "signed && token.state === 'valid' ? null : 'no_origin'",
    'null',
  ),
  inDecision(
    'the last check is not reached',
    'if (reason !== null)\n                return reason;',
    'return reason;',
  ),
]

const COMPILE: readonly EngineMutation[] = [
  inCompile('any site is one of ours', 'sites.get(beacon.site)', '[...sites.values()][0]'),
  inCompile('nothing is late', '(of?.windowEnd ?? DAY_END)(time) + lateness <= at', 'false'),
  inCompile('the day never waits', '(time) + lateness <= at', '(time) <= at'),
  inCompile('an identifier that was found drops nothing', 'if (detection !== null)', 'if (false)'),
  inCompile(
    'an event that nobody declared passes',
    'events.get(name)',
    "(events.get(name) ?? events.get('invoice.save'))",
  ),
  inCompile('times leave as they are', '(time - (time % grain)) / 1000', 'time / 1000'),
  inCompile('receipt leaves as it is', '(at - (at % HOUR)) / 1000', 'at / 1000'),
  inCompile('a token has no rate', 'allowance-- <= 0', 'false'),
  inCompile('whoever is refused is counted', 'entry.decide(facts, input.time ?? at)', 'null'),
  inCompile('the id of an event leaves as it is', 'own.eventId(event.id)', 'event.id'),
]

const IDENTITY: readonly EngineMutation[] = [
  inIdentity('a person leaves as their id', "own.pseudonym('uid', claims.sub)", 'claims.sub'),
  inIdentity('a company leaves as its id', "tenants.pseudonym('tenant', claims.tenant)", 'claims.tenant'),
  inIdentity(
    'a person is the same for ever',
    'const own = peek(stream, epoch, scope)',
    "const own = peek(stream, 'day:2026-01-01', scope)",
  ),
  inIdentity(
    'a person is the same in every company',
    'const own = peek(stream, epoch, scope)',
    'const own = peek(stream, epoch, TENANTS)',
  ),
  inIdentity(
    'a company is the same for ever',
    'const tenants = peek(stream, epoch, TENANTS)',
    "const tenants = peek(stream, 'day:2026-01-01', TENANTS)",
  ),
  inIdentity(
    'all people of a company are one',
    "own.pseudonym('uid', claims.sub)",
    "own.pseudonym('uid', '')",
  ),
]

const SCAN: readonly EngineMutation[] = [
  inScan('names of events are not searched', "scanText('event_name', event.name)", 'null'),
  inScan('paths are not searched', "scanText('path', event.path) ??", ''),
  inScan('the page before is not searched', "scanText('from_path', event.from_path) ??", ''),
  inScan('roles are not searched', "scanText('role', claims?.role) ??", ''),
  inScan('cohorts are not searched', "scanText('cohort', claims?.cohort) ??", ''),
  inScan('languages are not searched', "scanText('language', beacon.client?.language) ??", ''),
  inScan('values are not searched', 'event.props === undefined ? null : scanProps(event.props)', 'null'),
  inScan('names of values are not searched', 'values === undefined ? scan(name) : null', 'null'),
  inScan(
    'values without a rule are not searched',
    'if (text === null ||',
    'if (values === undefined || text === null ||',
  ),
  inScan(
    'values with a rule are not searched',
    'if (text === null ||',
    'if (values !== undefined || text === null ||',
  ),
  inScan(
    'halves are not put together',
    'texts === null || texts.length < 2 ? null : scanSplit(texts)',
    'null',
  ),
  inModule('scan/normalise')(
    'texts are not normalised',
    'const decoded = mayHoldEscapes(text) ? unescaped(text) : text',
    'return { plain: text, circled: null }; const decoded = text',
  ),
  inModule('scan/index')('what is encoded is not read', 'depth < MAX_DEPTH', 'false'),
]

const TRANSFORMS: readonly EngineMutation[] = [
  inDimensions(
    'a country is looked up by the whole address',
    'countries?.(network(address))',
    'countries?.(address.text)',
  ),
  inDimensions(
    'a country leaves as its network',
    '(countries?.(network(address)) ?? UNKNOWN_COUNTRY)',
    'network(address)',
  ),
  inDimensions('a page says its role', 'context.claims?.role', 'context.event?.props?.role'),
  inValues('what is not allowed passes', 'allowed(value) ?? otherwise', 'allowed(value) ?? String(value)'),
  inValues('a number passes as it is', 'return labels[bucket] ?? null', 'return String(value)'),
  inValues('an edge belongs to the lower step', 'value >= (edges[bucket]', 'value > (edges[bucket]'),
  inValues('any offset passes', 'value % OFFSET_STEP === 0 && ', ''),
  inValues('any offset of a quarter hour passes', 'value >= OFFSET_MIN && value <= OFFSET_MAX', 'true'),
  inValues(
    'any cohort passes',
    "typeof value === 'string' && /^\\d{4}-(?:0[1-9]|1[0-2])$/.test(value)",
    "typeof value === 'string'",
  ),
  inDimensions('a model leaves as it is', 'within(modelClass(raw))', 'raw'),
  inModule('families')(
    'rare devices keep their families',
    'kept === null || kept.has(keyOf(own)) ? own : others',
    'own',
  ),
  inModule('path-template')(
    'a page of no route leaves as it is',
    'match(root, segments, 0) ?? otherwise',
    'match(root, segments, 0) ?? path',
  ),
  inModule('path-template')(
    'a path that is too deep leaves as it is',
    'segments.length > depth)\n            return otherwise',
    'segments.length > depth)\n            return path',
  ),
]

export function engineMutations(rulebook: Rulebook): readonly EngineMutation[] {
  return [...leftOutChecks(rulebook), ...DECISION, ...COMPILE, ...IDENTITY, ...SCAN, ...TRANSFORMS]
}

interface Module {
  readonly path: string
  readonly text: string
}

/** The engine's modules as they were built. */
function builtModules(): readonly Module[] {
  return readdirSync(ENGINE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js') && !path.endsWith('.test.js') && !path.includes('testing'))
    .map((path) => {
      // A copy has no source map beside it: nobody needs to look for one.
      const text = readFileSync(join(ENGINE, path), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '')
      return { path, text }
    })
}

/** Builds engines under `folder`, each of them with one mutation, or with none: then it must do as the real one. */
export function createEngineBuilder(folder: string): (mutation: EngineMutation | null) => Promise<Engine> {
  const modules = builtModules()
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(NODE_MODULES, join(folder, 'node_modules'))
  let built = 0
  return async (mutation) => {
    const own = join(folder, `engine-${String(built++)}`)
    const changed = mutation === null ? modules : modules.map((module) => mutated(module, mutation))
    if (mutation !== null && changed.every(({ text }, at) => text === modules[at]?.text))
      throw new Error(`no module ${mutation.module}`)
    for (const { path, text } of changed) {
      mkdirSync(dirname(join(own, path)), { recursive: true })
      writeFileSync(join(own, path), text)
    }
    const engine: unknown = await import(pathToFileURL(join(own, 'index.js')).href)
    return engine as Engine
  }
}

function mutated(module: Module, { after, before, module: wanted }: EngineMutation): Module {
  if (module.path !== `${wanted}.js`) return module
  const parts = module.text.split(before)
  if (parts.length !== 2) throw new Error(`${String(parts.length - 1)} times in ${wanted}: ${before}`)
  return { path: module.path, text: parts.join(after) }
}
