/** Who sent a request, as the settings say: trusted proxies, and NAT64 prefixes of the operator's own. */
import { type ClientAddressReader, compileAddressParser, compileTrustedProxies } from '@tacit/anonymizer'
import type { Environment } from './environment.js'

/** @throws TacitError ERR_CONFIG_INVALID */
export function clientAddressOf(environment: Environment): ClientAddressReader {
  return compileTrustedProxies(
    environment.TACIT_TRUSTED_PROXIES,
    compileAddressParser(environment.TACIT_NAT64_PREFIXES),
  )
}
