/**
 * The port to whatever holds the wrapping keys: a local file (master-file.ts), or a key management service. Each root has
 * a wrapping key of its own, and both die together, so that a copy of the keeper's directory that was taken before is
 * worth nothing after: what would unwrap it is gone from the only place where it was.
 *
 * How an adapter for a cloud KMS fits: docs/keys.md.
 */
export interface WrappingKeys {
  /** Names this store of wrapping keys; kept beside the roots, so that another store is refused rather than tried. */
  readonly id: string
  /** Makes a wrapping key; durable on return. @returns its reference, 1–255 bytes of ASCII, kept beside what it wraps */
  create(): Promise<string>
  /**
   * Encrypts and authenticates a secret.
   * @param context what it is; unwrapping under another context fails
   * @returns at least 64 bytes: a file that holds fewer is taken for one that a crash left half written
   */
  wrap(ref: string, secret: Uint8Array, context: Uint8Array): Promise<Buffer>
  /** The secret, in memory of its own for the caller to zero; null where the key is destroyed or the bytes are not whole. */
  unwrap(ref: string, wrapped: Uint8Array, context: Uint8Array): Promise<Buffer | null>
  /** Destroys a wrapping key for good; durable on return. One that is not there is left alone. */
  destroy(ref: string): Promise<void>
  /** Zeroes what is in memory. */
  close(): void
}
