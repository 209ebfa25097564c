// `group`: where an answer says which group its request belonged to, for policies that go by profiles.

import * as z from 'zod';
import { optional, type SectionOf, section } from '../../key.ts';
import { fieldName } from '../../values.ts';

const POINTER_EXPECTED = 'expected a JSON Pointer such as "/detections/length"';

/** RFC 6901: `~1` stands for a slash, `~0` for a tilde. */
const jsonPointer = z
  .string()
  .regex(/^(?:\/(?:[^/~]|~[01])*)+$/, { error: POINTER_EXPECTED })
  .max(256)
  .transform((text) =>
    text
      .slice(1)
      .split('/')
      .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')),
  );

const groupKeys = {
  header: optional('header', fieldName, {
    doc: 'A field of the answer that holds the number of the group.',
    example: 'X-Object-Count',
  }),
  json: optional('json', jsonPointer, {
    doc: 'Where the JSON of an answer, up to 64 KiB, holds it: a JSON Pointer; a last "length" is the length of an array.',
    example: '/detections/length',
  }),
};

export type GroupOfAnswer = SectionOf<typeof groupKeys>;

const EXPECTED = 'expected false or exactly one of header and json, such as { json = "/detections/length" }';

const table: z.ZodType<GroupOfAnswer> = section(groupKeys).refine(
  ({ header, json }) => (header === null) !== (json === null),
  { error: EXPECTED },
);

/** `false`: none, null in `Config`. */
export const groupOfAnswer: z.ZodType<GroupOfAnswer | null> = z
  .union([z.literal(false), table], { error: EXPECTED })
  .transform((written) => (written === false ? null : written));
