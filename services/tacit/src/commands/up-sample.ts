/** The sample of `tacit up --sample`: played on the first start, served beside real data from then on. */
import { type Clock, systemClock } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import type { Environment } from '../house/environment.js'
import type { House } from '../house/house.js'
import type { Realm } from '../house/realm.js'
import { storeRulebook } from '../house/rulebook-files.js'
import {
  playSample,
  removeSample,
  sampleIsComplete,
  sampleRulebook,
  sampleTokenKeys,
} from '../house/sample.js'
import { progress } from '../output.js'
import { SAMPLE_DEFAULTS } from '../sample/traffic.js'

interface OpeningSample {
  readonly house: House
  readonly clock: Clock
  readonly environment: Environment
  readonly dashboardPort: number
  /** the rulebook that the sample's is derived from */
  readonly erp: Rulebook
  /** for people only */
  readonly say: (text: string) => void
}

/** Origins under which a browser on this machine may see the sample page. */
function sampleOrigins(dashboardPort: number): string[] {
  return [`http://127.0.0.1:${dashboardPort}`, `http://localhost:${dashboardPort}`]
}

/** Plays the sample where there is none yet, and opens its realm. */
export async function openSample({
  clock,
  dashboardPort,
  environment,
  erp,
  house,
  say,
}: OpeningSample): Promise<Realm> {
  const layout = house.layout.realm('sample')
  // Valid by the system's time, also where the clock stands still: once that is confirmed, the sample must not be expired.
  const derive = () =>
    sampleRulebook(erp, sampleOrigins(dashboardPort), systemClock.now(), SAMPLE_DEFAULTS.days)
  if (!sampleIsComplete(layout)) {
    await removeSample(house)
    const bar = progress(SAMPLE_DEFAULTS.days, 'days')
    say(
      `Playing ${SAMPLE_DEFAULTS.days} days of sample ERP traffic through the real path; it takes about a minute …`,
    )
    const started = Date.now()
    const played = await playSample(house, derive(), SAMPLE_DEFAULTS, (days) =>
      bar.update(days, 'of sample traffic'),
    )
    bar.stop()
    say(
      `  ${played.events.toLocaleString('en-GB')} events of ${played.days} days in ${((Date.now() - started) / 1000).toFixed(1)} s`,
    )
  }
  // The origins follow the port, so the sample's rulebook is derived anew at each start; its columns are the same.
  const rulebook = derive()
  storeRulebook(layout.rulebook, rulebook)
  return house.openRealm({
    layout,
    rulebook,
    clock,
    service: 'up',
    tokenKeysFile: await sampleTokenKeys(layout),
    ratePerToken: environment.TACIT_RATE_PER_TOKEN,
  })
}
