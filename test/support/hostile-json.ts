// JSON that resembles what a reader expects, and has other values at a few places: what bytes that are changed at random hardly
// ever make.

import fc from 'fast-check';

type Json = unknown;
type Mutation = (value: Json) => Json;

/** In place of any value. */
const VALUES: readonly Json[] = [
  null,
  true,
  '',
  'x'.repeat(5_000),
  '\ud800',
  '../..',
  '__proto__',
  'n/i',
  '127.0.0.1:1',
  'http://[::1',
  0,
  -0,
  -1,
  0.5,
  1e9,
  2 ** 53,
  1e308,
  -1e308,
  5e-324,
  [],
  [[]],
  {},
  { length: 1e9 },
  Array.from({ length: 2_000 }, (_, i) => i),
  Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, i])),
  nested(500),
];
/** In place of a name. */
const NAMES = ['__proto__', 'constructor', 'toString', '', 'length', 'x'.repeat(300), '0', 'a/b', '\0'];

const place = fc.nat(4095);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...VALUES)).map(
    ([at, other]): Mutation =>
      (value) =>
        changed(value, at, () => other),
  ),
  fc.tuple(place, fc.constantFrom(...NAMES)).map(
    ([at, name]): Mutation =>
      (value) =>
        changed(value, at, (one) => ({ [name]: one })),
  ),
  place.map(
    (at): Mutation =>
      (value) =>
        changed(value, at, (one) => [one, one]),
  ),
  place.map(
    (at): Mutation =>
      (value) =>
        changed(value, at, () => undefined),
  ),
  fc.tuple(place, fc.double({ noNaN: true })).map(
    ([at, number]): Mutation =>
      (value) =>
        changed(value, at, () => number),
  ),
);

/** One of `templates` with up to four of its values changed, as text. */
export function hostileJson(templates: readonly Json[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...templates), fc.array(mutation, { maxLength: 4 })).map(([template, mutations]) => {
    const text = JSON.stringify(mutations.reduce((value, mutate) => mutate(value), template)) ?? 'null';
    return text.replaceAll('1e+308', '1e999');
  });
}

/** The value with the one at a place, counted in the order in which it is written, changed; `__proto__` is a name like any other. */
function changed(root: Json, at: number, change: (value: Json) => Json): Json {
  let left = at % sizeOf(root);
  const walk = (value: Json): Json => {
    if (left-- === 0) return change(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one)]));
  };
  return walk(root);
}

function sizeOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, one) => sum + sizeOf(one), 1);
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}
