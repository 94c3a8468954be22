/**
 * The files of the log, in one flat directory: what whoever keeps the log hands in. Errors are Node's, with `code`.
 * A name that was created is durable after {@link AuditFiles.syncDirectory}.
 */
export interface AuditFiles {
  /** The whole file, in memory of its own; null where there is none. */
  read(name: string): Promise<Buffer | null>
  /** Makes a file that was not there (else `EEXIST`), and syncs it. */
  create(name: string, bytes: Uint8Array): Promise<void>
  /** Writes into a file that is there; the file ends after these bytes. `durable`: synced on return. */
  write(name: string, bytes: Uint8Array, offset: number, durable: boolean): Promise<void>
  syncDirectory(): Promise<void>
}

export const ENTRIES = 'entries.ndjson'
export const HEADS = 'heads.ndjson'
export const PUBLIC_KEY = 'public.pem'
