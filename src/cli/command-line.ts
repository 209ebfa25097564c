// The command as a shell takes it, for the files that it writes.

/** `qedge simulate …`, with quotes where a shell needs them. */
export function commandLine(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['qedge', ...words].join(' ');
}
