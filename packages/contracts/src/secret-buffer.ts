/**
 * Memory for a key. V8 keeps the bytes of a typed array of up to 64 bytes inside its own heap, whichever function of
 * Buffer made it (`typed_array_max_size_in_heap` of V8; `allocUnsafeSlow(32)` too). Its garbage collector moves them and
 * leaves what it moved from as it is, and native code that asks for their address moves them once more: filling such a
 * buffer with zeroes reaches one copy of several. An ArrayBuffer has its bytes outside, where they stay.
 */

/**
 * @param length in bytes
 * @returns zeroes, which no other buffer shares and nothing moves: filled with zeroes again, no copy is left
 */
export function secretBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length))
}
