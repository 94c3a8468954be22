/** Files that somebody names on a command line: documents, heads and public keys. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Document, readDocument, windowsHint } from './document.js'
import { isSignedHead, type SignedHead } from './signed-head.js'

export interface GivenFiles {
  /** For whoever checks what it is. */
  document(path: string): Document
  head(path: string): SignedHead
  /** An Ed25519 key in PEM. */
  publicKey(path: string): KeyObject
  /** The same, of bytes from elsewhere. @param name what they are, for the message */
  publicKeyOf(pem: Buffer, name: string): KeyObject
}

/** @param refusal what is thrown where a file cannot be read or is not what it must be */
export function givenFiles(refusal: (message: string) => Error): GivenFiles {
  const bytesOf = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch {
      throw refusal(`There is no file ${path}, or it cannot be read`)
    }
  }
  const given: GivenFiles = {
    document: (path) => readDocument(bytesOf(path)),
    head(path) {
      const { hint, value } = given.document(path)
      if (isSignedHead(value)) return value
      throw refusal(`${path} is not a head, as \`tacit audit head --json\` prints it${hint}`)
    },
    publicKey: (path) => given.publicKeyOf(bytesOf(path), path),
    publicKeyOf(pem, name) {
      try {
        const key = createPublicKey(pem)
        if (key.asymmetricKeyType === 'ed25519') return key
      } catch {
        // It is no key at all: the same to whoever reads the message.
      }
      throw refusal(`${name} is no Ed25519 public key in PEM${windowsHint(pem)}`)
    },
  }
  return given
}
