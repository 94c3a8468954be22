/**
 * `npm run test:faults`: kills under load and the soak, on a whole deployment (tests/src/support/fleet/main.ts, which has
 * the help text). Exit code 0 when every obligation is met, 1 when some is not, 2 for wrong use, 3 when it cannot run here.
 */
await import('../tests/dist/support/fleet/main.js')
