const PARENT_EVERY_MS = 200

/**
 * npm starts a script as its own child. A killed npm cannot tell: its child notices by getting another parent, and ends.
 * @param {string} script its name in package.json
 */
export function endWithNpm(script) {
  if (process.env['npm_lifecycle_event'] !== script) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1)
  }, PARENT_EVERY_MS).unref()
}
