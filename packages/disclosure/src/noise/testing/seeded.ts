/** A random source that gives the same bytes for the same seed: AES-256 in counter mode, so that tests are repeatable. */
import { createCipheriv, createHash } from 'node:crypto'
import type { RandomSource } from '../random.js'

export function seededRandom(seed: string): RandomSource {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(4096)
  return () => cipher.update(zeros)
}
