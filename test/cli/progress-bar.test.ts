import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProgressBar } from '../../src/cli/progress-bar.ts';

/** A terminal of the given width and everything that was written to it. */
function terminal(columns: number): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { columns });
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => stream.read() ?? '' };
}

const PROGRESS = { ratio: 0.5, policy: 'proxy-mity:alpha=0.9', seed: 101 };
const BEGIN_AGAIN = '\r\x1b[K';

describe('the progress bar', () => {
  it('says how far it is, and with what', () => {
    const { stream, written } = terminal(100);
    new ProgressBar(stream).show(PROGRESS);
    expect(written()).toBe(`${BEGIN_AGAIN}███████████████░░░░░░░░░░░░░░░  50 %  proxy-mity:alpha=0.9, seed 101`);
  });

  it('never wraps, however narrow the terminal', () => {
    const { stream, written } = terminal(40);
    new ProgressBar(stream).show(PROGRESS);
    const line = written().replace(BEGIN_AGAIN, '');
    expect(line).toHaveLength(39);
    expect(line.endsWith('…')).toBe(true);
  });

  it('writes only what is new, and leaves nothing behind', () => {
    const { stream, written } = terminal(100);
    const bar = new ProgressBar(stream);
    bar.show(PROGRESS);
    written();
    bar.show({ ...PROGRESS, ratio: 0.501 });
    expect(written()).toBe('');
    bar.clear();
    expect(written()).toBe(BEGIN_AGAIN);
    bar.clear();
    expect(written()).toBe('');
  });
});
