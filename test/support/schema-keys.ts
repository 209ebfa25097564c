// What may be written in a file, read off its schema, so that a reference file can be held against it.

import type * as z from 'zod';

/** Every key of every table within a schema. */
export function keysOf(schema: z.core.$ZodType): string[] {
  const def = schema._zod.def as {
    readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
    readonly options?: readonly z.core.$ZodType[];
    readonly element?: z.core.$ZodType;
    readonly in?: z.core.$ZodType;
    readonly innerType?: z.core.$ZodType;
  };
  const own = def.shape === undefined ? [] : Object.keys(def.shape);
  const inner = [...Object.values(def.shape ?? {}), ...(def.options ?? []), def.element, def.in, def.innerType];
  return [...own, ...inner.flatMap((one) => (one === undefined ? [] : keysOf(one)))];
}
