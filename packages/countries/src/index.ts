export { type Countries, openCountries } from './countries.js'
