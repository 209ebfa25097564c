// What a text means, kept for the texts that come with nearly every message: a type of content, a host. To compare a text with the one
// before it costs a tenth of holding it against a pattern.

/** Texts that are kept at a time, */
const TEXTS_MAX = 32;
/** and how long one of them may be: peers choose them. */
const CHARS_MAX = 128;

interface Known<Found> {
  readonly text: string;
  readonly found: Found;
}

/** `find`, which depends on its text alone, for texts that repeat. */
export function remembered<Found>(find: (text: string) => Found): (text: string) => Found {
  const known = new Map<string, Known<Found>>();
  let last: Known<Found> = { text: '', found: find('') };
  known.set('', last);
  return (text) => {
    if (text === last.text) return last.found;
    if (text.length > CHARS_MAX) return find(text);
    const before = known.get(text);
    if (before !== undefined) {
      last = before;
      return before.found;
    }
    if (known.size === TEXTS_MAX) known.clear();
    last = { text: copyOf(text), found: find(text) };
    known.set(last.text, last);
    return last.found;
  };
}

/** A part of a head keeps all of it in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
