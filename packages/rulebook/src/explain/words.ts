/** Numbers, times and lists as people say them. */
import { DAY, HOUR, MINUTE } from '@tacit/contracts'

const SMALL = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
] as const

/** `three`, `40`. */
export function number(count: number): string {
  return Number.isInteger(count) && count >= 0
    ? (SMALL[count] ?? count.toLocaleString('en-GB'))
    : String(count)
}

/** `one person`, `10 people`. @param plural where it is not the singular with an s */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${number(count)} ${count === 1 ? singular : plural}`
}

/** `two days`, `one hour`, `90 minutes`: the largest unit that is whole. */
export function duration(ms: number): string {
  if (ms % DAY === 0) return counted(ms / DAY, 'day')
  if (ms % HOUR === 0) return counted(ms / HOUR, 'hour')
  return counted(Math.ceil(ms / MINUTE), 'minute')
}

/** `a, b and c`. */
export function listed(words: readonly string[], and = 'and'): string {
  if (words.length <= 1) return words[0] ?? ''
  return `${words.slice(0, -1).join(', ')} ${and} ${words.at(-1)}`
}

/** `50 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`
}

/** `1 November 2026`. */
export function day(time: number): string {
  return new Date(time).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  })
}

/** The first letter a capital. */
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Names in code marks, and how many more there are. */
export function sample(values: readonly string[], most: number): string {
  const shown = values.slice(0, most).map(code)
  const more = values.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${number(more)} more` : listed(shown)
}

/** A text of the rulebook's own within a sentence: on one line, and without the marks that make words code. */
export function plain(words: string): string {
  return words.replace(/[`\p{Cc}]/gu, ' ').trim()
}

/** A name or value of the rulebook's, in code marks. */
export function code(name: string): string {
  return `\`${plain(name)}\``
}

/** `\`a\`, \`b\` and \`c\``. */
export function codes(names: readonly string[], and = 'and'): string {
  return listed(names.map(code), and)
}
