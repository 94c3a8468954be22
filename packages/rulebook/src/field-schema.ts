/** The schema of one field rule: what may be done to a field. Bounds that carry a privacy meaning are the linter's. */
import { z } from 'zod'
import { allowed, BOUND_TEXTS } from './bounds.js'
import { readDuration } from './durations.js'

/**
 * A text that `read` understands, e.g. a duration.
 * @param like an example, for the message and for editors
 * @param wrong what is wrong with a text of the right form, after the name of its key; null where its form is wrong
 * @param bounds what is allowed of texts of that form, in words; the linter holds them to it
 */
export function readable<T>(
  read: (text: string) => T | null,
  like: string,
  wrong: (text: string) => string | null = () => null,
  bounds: string | null = null,
): z.ZodType<T, string> {
  const schema = z
    .string()
    .meta({ examples: [like] })
    .transform((text, context) => {
      const value = read(text)
      if (value !== null) return value
      context.addIssue({ code: 'custom', message: wrong(text) ?? writtenLike(like, bounds) })
      return z.NEVER
    })
    .meta({ examples: [like] })
  return bounds === null ? schema : schema.register(allowed, { text: bounds })
}

/** What a text of another form should be, after the name of its key. */
export function writtenLike(like: string, bounds: string | null): string {
  return `must be written like \`${like}\`${bounds === null ? '' : `: ${bounds}`}`
}

/** A text of a form. @param like an example, for the message and for editors */
export function written(form: RegExp, like: string): z.ZodString {
  return z
    .string()
    .regex(form)
    .meta({ examples: [like] })
}

const word = z.string().min(1).max(64)
const scalar = z.union([word, z.number(), z.boolean()])
const catalogue = (like: string) =>
  z
    .string()
    .min(1)
    .max(64)
    .describe('a YAML file beside the rulebook')
    .meta({ examples: [like] })

export const fieldRuleSchema = z
  .discriminatedUnion('do', [
    z.strictObject({
      do: z.literal('truncate').describe('keep the first bits of an address'),
      ipv4: z
        .int()
        .min(1)
        .max(32)
        .describe('bits kept of an IPv4 address')
        .meta({ examples: [16] })
        .register(allowed, { text: BOUND_TEXTS.ipv4 }),
      ipv6: z
        .int()
        .min(1)
        .max(128)
        .describe('bits kept of an IPv6 address')
        .meta({ examples: [32] })
        .register(allowed, { text: BOUND_TEXTS.ipv6 }),
      then: z
        .literal('country')
        .optional()
        .describe(
          'keep only the country of the cut network, as the dimension `country`; without it the cut network is kept',
        ),
    }),
    z.strictObject({
      do: z.literal('pseudonym').describe('replace by a keyed value whose key dies with the epoch'),
      scope: z
        .array(z.enum(['tenant', 'purpose', 'epoch']))
        .min(1)
        .max(3)
        .describe('what the key depends on: values of different scopes cannot be joined')
        .meta({ examples: [['tenant', 'purpose', 'epoch']] }),
    }),
    z.strictObject({
      do: z.literal('coarsen').describe('round a time down'),
      to: readable(readDuration, '1h', undefined, BOUND_TEXTS.coarsening).describe('the step'),
    }),
    z.strictObject({
      do: z.literal('template').describe('replace a path by its route'),
      catalogue: catalogue('routes.yaml')
        .optional()
        .describe('a file of routes; a path that matches none becomes `otherwise`; needed without `generic`'),
      otherwise: written(/^\/[a-z0-9_-]{1,32}$/, '/other')
        .optional()
        .describe('what a path of no route becomes; needed with `catalogue`'),
      generic: z
        .strictObject({
          words: z
            .string()
            .min(1)
            .max(64)
            .describe('`any`, or a file of approved words')
            .meta({ examples: ['words.yaml'] }),
        })
        .optional()
        .describe(
          'segments that look like ids, or are no approved word, become :id; in the place of `catalogue` and `otherwise`',
        ),
    }),
    z.strictObject({
      do: z.literal('generalise').describe('replace by coarse closed families'),
      to: z
        .array(word)
        .min(1)
        .max(3)
        .describe('the dimensions it becomes: browser, os, device; or model_class')
        .meta({ examples: [['browser', 'os', 'device']] }),
      max_bits: z
        .number()
        .min(0)
        .max(16)
        .optional()
        .describe('at most 2^max_bits different rows of these dimensions together; rarer ones become `other`')
        .meta({ examples: [4] })
        .register(allowed, { text: BOUND_TEXTS.rowBits }),
    }),
    z.strictObject({
      do: z.literal('allow').describe('keep only values that are listed'),
      values: z
        .array(scalar)
        .min(1)
        .max(1000)
        .optional()
        .describe('the values that pass; exactly one of values, catalogue and pattern is needed')
        .meta({ examples: [['admin', 'accounts']] }),
      catalogue: catalogue('apps.yaml')
        .optional()
        .describe('a file of the values, or of the events, that pass'),
      pattern: z
        .enum(['quarter_hours', 'month'])
        .optional()
        .describe('a closed form: UTC offsets, or YYYY-MM'),
      otherwise: word
        .optional()
        .describe('what another value becomes; `drop_event` drops the event; without it the value is dropped')
        .meta({ examples: ['other'] }),
    }),
    z.strictObject({
      do: z.literal('bucket').describe('replace a number by its bucket'),
      edges: z
        .array(z.int().min(0))
        .min(1)
        .max(50)
        .describe('rising whole numbers; a bucket begins at its edge')
        .meta({ examples: [[100, 300, 1000, 3000]] }),
    }),
    z.strictObject({
      do: z.literal('drop').describe('never read'),
      because: z
        .string()
        .min(1)
        .max(200)
        .describe('why, in a few words')
        .meta({ examples: ['free text'] }),
    }),
  ])
  .meta({ examples: [{ do: 'drop', because: 'free text' }] })

export type FieldDraft = z.infer<typeof fieldRuleSchema>
