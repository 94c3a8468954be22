import { TacitError } from '@tacit/contracts'

/** Runs what works on the keeper's store: what is no problem of the catalogue is one of the disk. @throws TacitError */
export async function storing<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw error instanceof TacitError ? error : new TacitError('ERR_KEY_STORE', undefined, { cause: error })
  }
}
