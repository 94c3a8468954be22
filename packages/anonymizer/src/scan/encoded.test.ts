/** Identifiers that are encoded, with something beside them that is encoded as well. */
import { DETECTORS } from '@tacit/rulebook'
import t from 'tap'
import { createScanner } from './index.js'

const scanner = createScanner(DETECTORS)
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const hexadecimal = (text: string): string => Buffer.from(text).toString('hex')

const IDENTIFIERS = {
  pan: 'ABCPK1234F',
  phone_in: '9876543210',
  aadhaar: '234567890124',
  gstin: '27AAPFU0939F1ZV',
  passport: 'A1234567',
  voter_id: 'ABC1234567',
  ifsc: 'HDFC0001234',
  card: '4111111111111111',
} as const

t.test('an encoded identifier is found with one or two letters beside it that are encoded too', async (t) => {
  for (const [detector, value] of Object.entries(IDENTIFIERS)) {
    for (const before of ['', 'x', 'xy', '-', '- ']) {
      for (const behind of ['', 'x', 'xy', '.', ' .']) {
        const text = before + value + behind
        // `xA1234567` may be a voter's number as well.
        t.not(scanner.scan(base64(text)), null, `${detector}: base64 of ${text}`)
        t.not(scanner.scan(hexadecimal(text)), null, `${detector}: hexadecimal of ${text}`)
      }
    }
  }
  t.equal(scanner.scan(base64('ravi@example.in7')), 'email')
  t.equal(scanner.scan(base64('7ravi@example.in77')), 'email')
  t.equal(scanner.scan(base64('79876543210')), 'phone_in')
  t.equal(scanner.scan('xABCPK1234F'), null, 'what is not encoded shows where it begins')
})

t.test('an identifier is found in bytes that are no text', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from([0, 255, 0x0a, 10]),
    Buffer.from('ABCPK1234F'),
    Buffer.from([0x12, 200, 1]),
  ])
  t.equal(scanner.scan(bytes.toString('base64')), 'pan')
  t.equal(scanner.scan(bytes.toString('hex')), 'pan')
  t.equal(scanner.scan(`session_${bytes.toString('base64url')}`), 'pan')
})

t.test('hexadecimal is read with 0x before it', async (t) => {
  t.equal(scanner.scan(`0x${hexadecimal('ABCPK1234F')}`), 'pan')
  t.equal(scanner.scan(`0X${hexadecimal('ravi@example.in').toUpperCase()}`), 'email')
})

t.test('an entity is read as browsers and people read it', async (t) => {
  for (const at of [
    '&#64;',
    '&#64',
    '&#064;',
    '&#0000000064;',
    '&#0000000000000000000000064',
    '&#x40;',
    '&#X0040;',
    '&#x40',
    '&commat;',
    '&amp;#64;',
    '&amp#64;',
    '&#38;#64;',
    '%26%2364%3B',
    '％40',
    '＠',
    '\u24d0',
    '\u24b6',
    '&#x24d0;',
  ]) {
    t.equal(scanner.scan(`ravi${at}example.in`), 'email', at)
  }
  t.equal(scanner.scan('r\u24d0vi@example.in'), 'email', 'a letter in a circle is a letter as well')
  t.equal(scanner.scan('&#57876543210'), null, 'a code point that there is none of is no character')
  for (const text of ['R&D', 'a&b;c', '?a=1&lt=2&page=3', '&#;', '&#x;', '&#99999999999;', '&']) {
    t.equal(scanner.scan(text), null, text)
  }
})

t.test('units of UTF-16 are read, as JSON within a text and as an old escape writes them', async (t) => {
  const units = (text: string, escape: string): string =>
    Array.from(
      { length: text.length },
      (_, at) => escape + text.charCodeAt(at).toString(16).padStart(4, '0'),
    ).join('')
  for (const escape of ['\\u', '\\\\u', '\\\\\\\\u', '%u']) {
    for (const [detector, value] of Object.entries(IDENTIFIERS)) {
      t.equal(scanner.scan(units(value, escape)), detector, `${escape}: ${detector}`)
      t.equal(scanner.scan(`{"a":["${units(value, escape)}"]}`), detector, `${escape}: ${detector} in JSON`)
    }
    t.equal(scanner.scan(`ravi${escape}0040example.in`), 'email')
    // Digits beyond the first plane are two units each.
    const bold = [...'9876543210'].map((digit) => String.fromCodePoint(0x1d7ce + Number(digit))).join('')
    t.equal(scanner.scan(units(bold, escape)), 'phone_in')
    for (const cut of escape.length > 2 ? [] : [1, 2, 3, 4, 5]) {
      const whole = `${escape}0040`
      t.equal(
        scanner.scanSplit([`ravi${whole.slice(0, cut)}`, `${whole.slice(cut)}example.in`]),
        'email',
        `${escape} cut at ${String(cut)}`,
      )
    }
  }
  for (const text of ['C:\\users\\public', 'u0040', '\\u004', '\\u', '%u', '100%unique', '\\ud800'])
    t.equal(scanner.scan(text), null, text)
})
