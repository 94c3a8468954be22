/** The audit log as others than the keeper write and read it, in process. */
import { TacitError } from '@tacit/contracts'
import type { DatedAudit } from './dated-audit.js'
import type { KeyFiles } from './key-files.js'
import type { AuditService } from './keeper-service.js'

const LINE_FEED = 0x0a
/** Bytes of one answer, at most. */
const MAX_READ = 4 * 1024 * 1024

/** @param publicKey SPKI, PEM */
export function embeddedAudit(audit: DatedAudit, files: KeyFiles, publicKey: string): AuditService {
  return {
    async record(events) {
      if (events.some(({ action }) => /^(?:key|keeper)\./.test(action))) {
        throw new TacitError(
          'ERR_AUDIT_ENTRY',
          'What becomes of keys, and which keeper has them, is for the keeper alone to record',
        )
      }
      await audit.append(events, true)
    },
    sign: () => audit.sign(),
    head: async () => audit.head(),
    publicKey: async () => publicKey,
    async read(file, offset, max) {
      const most = (await files.read(`${file}.ndjson`, offset, Math.min(max, MAX_READ))) ?? Buffer.alloc(0)
      return most.subarray(0, most.lastIndexOf(LINE_FEED) + 1)
    },
  }
}
