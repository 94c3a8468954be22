/** Changes of times and thresholds: how long things live, and what a published number must cover. */
import { sizeText } from '../durations.js'
import type { Rulebook } from '../types.js'
import { compareNumber, compareRest, compareSet } from './compare.js'
import { diffNoise } from './noise.js'
import type { Say } from './types.js'

const hours = (ms: number): string => `${String(ms / 3_600_000)}h`

/** How long records can be linked, and how long what is kept. */
export function diffTimes(say: Say, from: Rulebook, to: Rulebook): void {
  compareSet(
    say,
    'epochs.streams',
    from.epochs.streams,
    to.epochs.streams,
    { class: 'loosen', says: (stream) => `Records can be linked over a ${stream}.` },
    { class: 'tighten', says: (stream) => `Records can no longer be linked over a ${stream}.` },
  )
  const longer = { up: 'It is kept longer.', down: 'It is kept for a shorter time.' }
  compareNumber(
    say,
    'epochs.lateness',
    from.epochs.latenessMs,
    to.epochs.latenessMs,
    'loosen',
    { up: 'Later events count.', down: 'Late events count for a shorter time.' },
    hours,
  )
  compareNumber(
    say,
    'epochs.destroy_key_after',
    from.epochs.destroyKeyAfterMs,
    to.epochs.destroyKeyAfterMs,
    'loosen',
    { up: 'Keys live longer.', down: 'Keys die sooner.' },
    hours,
  )
  compareNumber(say, 'keep.log', from.keep.logMs, to.keep.logMs, 'loosen', longer, hours)
  compareNumber(
    say,
    'keep.staging',
    from.keep.stagingAfterEpochMs,
    to.keep.stagingAfterEpochMs,
    'loosen',
    longer,
    hours,
  )
  compareNumber(say, 'keep.released', from.keep.releasedMonths, to.keep.releasedMonths, 'loosen', longer)
  // The record of what was done is what people can check us by: keeping less of it is the loosening.
  compareNumber(say, 'keep.audit', from.keep.auditDays, to.keep.auditDays, 'tighten', longer)
  diffSpool(say, from.keep.spoolBytes, to.keep.spoolBytes)
  compareRest(say, 'epochs', from.epochs, to.epochs, ['streams', 'latenessMs', 'destroyKeyAfterMs'])
  compareRest(say, 'keep', from.keep, to.keep, [
    'logMs',
    'stagingAfterEpochMs',
    'releasedMonths',
    'auditDays',
    'spoolBytes',
  ])
}

/**
 * How much may wait on a collector's disk is neutral: the same batches, sealed by the same keys, which die with
 * `keep.log` wherever a batch lies. It decides how long an outage may last before beacons are refused: not whom the
 * rules count, what is read of them, or for how long it is there.
 */
function diffSpool(say: Say, from: number, to: number): void {
  if (from === to) return
  say(
    'keep.spool',
    'neutral',
    sizeText(from),
    sizeText(to),
    `${to > from ? 'More' : 'Fewer'} sealed batches may wait on a collector’s disk; none lives longer or shorter for it.`,
  )
}

/** What a number must satisfy to be published. */
export function diffRelease(say: Say, from: Rulebook['release'], to: Rulebook['release']): void {
  const larger = { up: 'Numbers cover larger groups.', down: 'Numbers cover smaller groups.' }
  compareNumber(say, 'release.min_users', from.minUsers, to.minUsers, 'tighten', larger)
  const stated = (count: number): unknown => (count === Number.MAX_SAFE_INTEGER ? null : count)
  compareNumber(say, 'release.min_tenants', from.minTenants, to.minTenants, 'tighten', larger, stated)
  compareNumber(say, 'release.min_networks', from.minNetworks, to.minNetworks, 'tighten', larger, stated)
  const share = {
    up: 'One contributor may be more of a number.',
    down: 'One contributor may be less of a number.',
  }
  const percent = (value: number): string => `${String(Number((value * 100).toFixed(1)))}%`
  compareNumber(say, 'release.max_share', from.maxShare, to.maxShare, 'loosen', share, percent)
  compareNumber(
    say,
    'release.max_person_share',
    from.maxPersonShare,
    to.maxPersonShare,
    'loosen',
    share,
    percent,
  )
  compareNumber(
    say,
    'release.max_events_per_person',
    from.maxEventsPerPerson,
    to.maxEventsPerPerson,
    'loosen',
    {
      up: 'More events of one person count.',
      down: 'Fewer events of one person count.',
    },
  )
  // A step that follows min_users is told with it.
  if (from.step !== from.minUsers || to.step !== to.minUsers)
    compareNumber(say, 'release.step', from.step, to.step, 'tighten', {
      up: 'People are rounded to larger steps.',
      down: 'People are rounded to smaller steps.',
    })
  diffNoise(say, from.noise, to.noise)
  compareRest(say, 'release', from, to, [
    'minUsers',
    'minTenants',
    'minNetworks',
    'maxShare',
    'maxPersonShare',
    'maxEventsPerPerson',
    'step',
    'noise',
  ])
}
