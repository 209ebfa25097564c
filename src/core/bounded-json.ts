// JSON from outside, as data that nothing can choke on. A text of some kilobytes can nest thousands of levels deep, and
// what walks such a value later (a copy to a worker, JSON.stringify, a comparison) recurses until the stack ends. So
// depth is bounded where text becomes data, and nowhere else.

/** No document of ours nests deeper than a handful of levels; a profile may be anything, in reason. */
export const JSON_DEPTH_MAX = 32;

/** Nested deeper than the bound. */
export class DepthError extends Error {
  constructor(depthMax: number) {
    super(`nested deeper than ${depthMax} levels`);
    this.name = 'DepthError';
  }
}

/**
 * The value that `text` says.
 *
 * @throws DepthError before anything is parsed, SyntaxError for what is not JSON
 */
export function parseBoundedJson(text: string, depthMax = JSON_DEPTH_MAX): unknown {
  if (isDeeper(text, depthMax)) throw new DepthError(depthMax);
  return JSON.parse(text);
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Counts brackets outside of strings: exact for JSON, and for anything else the parser has the say. */
function isDeeper(text: string, depthMax: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === ARRAY || code === OBJECT) depth++;
    else if (code === ARRAY_END || code === OBJECT_END) depth--;
    if (depth > depthMax) return true;
  }
  return false;
}

/** Where the string that begins at `at` ends; the end of the text when it never does. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i;
  }
  return text.length;
}
