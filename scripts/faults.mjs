/**
 * `npm run test:faults`: kills under load and the soak, on a whole deployment (tests/src/support/fleet/main.ts, options.ts
 * beside it has the help text). Exit code 0 when every obligation is met, 1 when some is not or too little was tried, 2 for wrong use, 3 when it cannot run here.
 */
await import('../tests/dist/support/fleet/main.js')
