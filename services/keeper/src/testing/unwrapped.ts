/** For tests: a reader of wrapped secrets of its own, so that the format is what it says (wrapping.ts, secret-files.ts, master-file.ts). */
import { createHmac } from 'node:crypto'

const lp = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => {
      const bytes = Buffer.from(part)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, bytes])
    }),
  )

/** The secret in a copy of a file under a copy of an unsealed master key file; null where it does not open. */
export function unwrapped(copy: Buffer, file: string, master: Buffer): Buffer | null {
  if (copy.toString('latin1', 0, 4) !== 'TKR1') return null
  const end = 5 + (copy[4] ?? 0)
  const [slot = '', slotTag = ''] = copy.toString('latin1', 5, end).split('.')
  const start = 96 + 96 * Number(slot)
  if (master.toString('hex', start, start + 8) !== slotTag) return null
  const key = master.subarray(start + 8, start + 40)
  if (key.length < 32 || copy.length !== end + 64) return null
  const [nonce, body, tag] = [
    copy.subarray(end, end + 16),
    copy.subarray(end + 16, end + 48),
    copy.subarray(-16),
  ]
  const mac = (...parts: readonly (string | Buffer)[]): Buffer =>
    createHmac('sha256', key)
      .update(lp('wrap/v1', ...parts))
      .digest()
  const context = lp('root/v1', file)
  if (!mac('tag', nonce, context, body).subarray(0, 16).equals(tag)) return null
  const pad = mac('pad', nonce, context)
  return Buffer.from(body.map((byte, at) => byte ^ (pad[at] ?? 0)))
}
