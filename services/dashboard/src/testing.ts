/** For tests of other rooms: a realm over arrays, with a statistic of every shape. */
export { realm } from './rulebook.fixture.js'
export { shapeCells, shapeLive, shapes } from './shapes.fixture.js'
