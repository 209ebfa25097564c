// What others wrote, for a terminal: it steers nothing, and turns no text around.

/** Controls, and what has no shape of its own (directions, joiners, separators of lines), as JSON writes them: `\u001b`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) =>
    [...Array(one.length).keys()].map((i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
