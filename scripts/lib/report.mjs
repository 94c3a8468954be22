import { seconds } from './run.mjs'

/**
 * @typedef {import('./tap-file.mjs').FileResult} FileResult
 */

/** @param {string} text */
const indent = (text) => text.replaceAll(/^/gm, '    ')

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function countsText({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/**
 * Prints results as they come, each with what its tests measured (their comments), and the summary at the end. On a terminal the last line says what runs now.
 * @param {NodeJS.WriteStream} stream
 */
export function createReport(stream) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  /** @type {string[]} */
  const failed = []
  /** @type {{ name: string, reason: string }[]} */
  const skips = []
  /** @type {Set<string>} */
  const active = new Set()

  const clear = () => void (stream.isTTY && stream.write('\r\u001b[K'))
  const progress = () => {
    if (!stream.isTTY || active.size === 0) return
    const text = `… ${[...active].join(', ')}  (${countsText(total)} so far)`
    stream.write(`\r\u001b[K${text.slice(0, (stream.columns || 80) - 1)}`)
  }

  return {
    total,

    /** @param {string} name */
    start(name) {
      active.add(name)
      progress()
    },

    /**
     * @param {string} name
     * @param {FileResult} result
     */
    end(name, result) {
      active.delete(name)
      clear()
      total.passed += result.passed
      total.failed += result.failed
      total.skipped += result.skipped
      const mark = result.failed > 0 ? '✗' : '✓'
      stream.write(`${mark} ${name}  ${countsText(result)}  ${seconds(result.ms)}\n`)
      for (const comment of result.comments) stream.write(`    ${comment}\n`)
      for (const failure of result.failures) {
        stream.write(`  ✗ ${failure.name}\n${failure.detail ? `${indent(failure.detail)}\n` : ''}`)
        failed.push(`${name}: ${failure.name}`)
      }
      skips.push(...result.skips.map((skip) => ({ name: `${name}: ${skip.name}`, reason: skip.reason })))
      progress()
    },

    /** The last line is for scripts: `N passed, N failed`, and `, N skipped` if any were. */
    summary() {
      clear()
      if (skips.length > 0) stream.write('\nSkipped:\n')
      for (const skip of skips) stream.write(`  - ${skip.name}: ${skip.reason}\n`)
      if (failed.length > 0) stream.write('\nFailed:\n')
      for (const name of failed) stream.write(`  ✗ ${name}\n`)
      stream.write(`\n${countsText(total)}\n`)
    },
  }
}
