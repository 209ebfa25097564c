import { describe, expect, it } from 'vitest';
import { type LogPlace, rendererOf } from '../../../src/telemetry/log/format.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { plainPaint } from '../../../src/terminal/paint.ts';

/** What the log writes, line by line, of what `say` logs. */
function written(
  place: Partial<LogPlace>,
  say: (log: ReturnType<typeof createLogger>) => void,
  format = 'auto' as const,
) {
  const render = rendererOf(format, { isTerminal: false, isJournal: false, paint: plainPaint, ...place });
  let text = '';
  const destination = {
    write: (json: string) => {
      text += render(json);
    },
  };
  say(createLogger({ level: 'trace', nodeId: 'pi-7', destination }));
  return text;
}

describe('a log line', () => {
  it('is JSON in a file or a pipe', () => {
    const text = written({}, (log) => log.info({ services: 2 }, 'qedge started'));
    expect(JSON.parse(text)).toMatchObject({ level: 'info', node: 'pi-7', services: 2, msg: 'qedge started' });
  });

  it('is text on a terminal', () => {
    const text = written({ isTerminal: true }, (log) => log.warn({ host: 'a.b:1', why: 'two words', n: 3 }, 'gone'));
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}gone host=a\.b:1 why="two words" n=3\n$/);
  });

  it('has a stack below it on a terminal', () => {
    const text = written({ isTerminal: true }, (log) => log.error({ err: new Error('broken') }, 'failed'));
    expect(text.split('\n').slice(0, 2)).toEqual([expect.stringMatching(/ERROR failed$/), '    Error: broken']);
  });

  it('cannot steer the terminal', () => {
    const text = written({ isTerminal: true }, (log) => log.info({ host: '\u001b[2J\u009b2J\r' }, 'request'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it.each([
    ['error', 3],
    ['warn', 4],
    ['info', 6],
    ['debug', 7],
  ] as const)('of level %s carries priority %i in the journal', (level, priority) => {
    const text = written({ isJournal: true }, (log) => log[level]('said'));
    expect(text).toMatch(new RegExp(`^<${priority}>\\{"level":"${level}"`));
  });

  it('of several lines carries its priority on each in the journal', () => {
    const text = written({ isJournal: true, isTerminal: true }, (log) => log.error({ err: new Error('x') }, 'failed'));
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => !line.startsWith('<3>'))).toEqual([]);
  });
});
