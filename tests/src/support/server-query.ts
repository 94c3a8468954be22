/** Asks a house's ClickHouse itself: the warehouse hands out counts and cells, never rows. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { openHouse } from '@tacit/cli'

type House = Awaited<ReturnType<typeof openHouse>>

/** @returns the answer's body. @throws Error with ClickHouse's own words where it refuses */
export async function query(
  { server }: { readonly server: Pick<House['server'], 'address'> },
  statement: string,
): Promise<string> {
  const { password, url, username } = server.address
  // A connection kept alive would hold up the server's end.
  const outgoing = request(url, { method: 'POST', auth: `${username}:${password}`, agent: false })
  outgoing.end(statement)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await text(answer)
  if (answer.statusCode !== 200) throw new Error(`ClickHouse answered ${answer.statusCode}: ${body}`)
  return body
}
