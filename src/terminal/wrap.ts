// Text broken between words, so that a terminal need not break it within them.

export interface WrapOptions {
  /** Characters a line may have; a longer word stays whole. */
  readonly width: number;
  /** Before the first line; counts as width. */
  readonly first: string;
  /** Before every further one. */
  readonly hanging: string;
}

/** Words joined by spaces into as few lines as fit. What should stay together is given as one word. */
export function wrapWords(words: readonly string[], { width, first, hanging }: WrapOptions): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of words) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = hanging;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
