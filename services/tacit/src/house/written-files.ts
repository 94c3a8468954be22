/** Files that a verb writes where its user said: what goes wrong is said in words, with what to do about it. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { UsageError } from '../output.js'

export interface WriteOptions {
  /** the option that names the place, e.g. `--out` */
  readonly option: string
  readonly mode?: number
  /** refuses to write over a file that is there; default: writes over it */
  readonly isNew?: boolean
}

/**
 * Writes a file where the user said.
 * @throws UsageError where the place is none for a file, TacitError ERR_OUTPUT_FILE where the system refuses
 */
export function writeOutput(path: string, text: string, options: WriteOptions): void {
  const { isNew, mode, option } = options
  try {
    writeFileSync(path, text, {
      flag: isNew === true ? 'wx' : 'w',
      ...(mode === undefined ? {} : { mode }),
    })
  } catch (cause) {
    throw inWords(path, option, cause)
  }
}

/** Makes a folder where the user said, and those above it. @throws as {@link writeOutput} */
export function makeOutputFolder(path: string, options: Omit<WriteOptions, 'isNew'>): void {
  const { mode, option } = options
  try {
    makeFolders(path, mode)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw inWords(path, option, cause)
    throw new UsageError(`${path} is a file, not a folder; name another place with ${option}`)
  }
}

/** One by one: where the system says of a folder's parent that it is there, and then that it is not, `recursive` never ends. */
function makeFolders(path: string, mode: number | undefined): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
  const above = dirname(path)
  if (above !== path) makeFolders(above, mode)
  mkdirSync(path, mode)
}

function inWords(path: string, option: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  const another = `name another place with ${option}`
  switch (code) {
    case 'ENOENT':
      return new UsageError(`There is no folder for ${path}; make it first, or ${another}`)
    case 'ENOTDIR':
      return new UsageError(`${path} lies under a file, not under a folder; ${another}`)
    case 'EISDIR':
      return new UsageError(`${path} is a folder; name a file with ${option}`)
    case 'EEXIST':
      return new UsageError(`${path} is there already, and nothing is written over it; ${another}`)
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return new UsageError(`This is no name that a file can have; ${another}`)
    default:
      return new TacitError(
        'ERR_OUTPUT_FILE',
        `${path} could not be written (${code}); look at its permissions and at the room on the disk, or ${another}`,
        { cause },
      )
  }
}
