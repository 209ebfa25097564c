// A task file with mistakes: all at once, each with its place.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { loadTask } from '../../../src/learning/controller/task-file.ts';

function load(text: string): ReturnType<typeof loadTask> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-task-'));
  const file = join(folder, 'task.toml');
  writeFileSync(file, text);
  return loadTask(file);
}

function problems(text: string): readonly string[] {
  try {
    load(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

const GOOD = `task = "digits"
model = 10
budget = 600
[mqtt]
url = "mqtt://127.0.0.1:1883"
[end]
rounds = 20
`;

describe('a task file', () => {
  it('is read with its defaults', () => {
    expect(load(GOOD)).toMatchObject({
      name: 'digits',
      request: { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 },
      ends: { rounds: 20, accuracy: null, loss: null, cost: null },
      settleMs: 2_000,
      listen: { host: '127.0.0.1', port: 0 },
      address: '127.0.0.1',
      allow: expect.arrayContaining(['10.0.0.0/8', '127.0.0.0/8']),
      nodes: null,
    });
  });

  it('has all its mistakes named at once, each with its place', () => {
    expect(
      problems(`task = "no/name"
modell = 10
budget = -1
epochs = 3
strategy = "best"
[mqtt]
url = "broker"
[end]
acuracy = 0.9
[controller]
listen = "0.0.0.0:9400"
`),
    ).toEqual([
      expect.stringMatching(/^task\.toml:1:1: task: expected a name of letters.*, got "no\/name"$/),
      'task.toml:1:1: model: missing, expected a number',
      'task.toml:2:1: modell: unknown key "modell", did you mean "model"?',
      'task.toml:3:1: budget: expected more than 0, got -1',
      'task.toml:4:1: epochs: expected epochs and local_rounds together, or neither',
      'task.toml:5:1: strategy: expected "min-kld" or "min-cost", got "best"',
      expect.stringMatching(/^task\.toml:7:1: mqtt\.url: expected a broker/),
      'task.toml:9:1: end.acuracy: unknown key "acuracy", did you mean "accuracy"?',
      expect.stringMatching(/^task\.toml:11:1: controller\.listen: listens on every address/),
    ]);
  });

  it('has an end, a broker, and epochs only with local rounds', () => {
    expect(problems('task = "t"\nmodel = 1\nbudget = 1\nlocal_rounds = 2\n')).toEqual([
      expect.stringMatching(/expected \[mqtt\] with the url/),
      expect.stringMatching(/the task has no end/),
      expect.stringMatching(/local_rounds: expected epochs and local_rounds together/),
    ]);
  });

  it('has the mistakes of its nodes named as well', () => {
    expect(problems(`nodes = "none.csv"\n${GOOD}`)).toEqual([expect.stringMatching(/^none\.csv: no such file/)]);
  });

  it('has what is wrong between keys named beside mistakes in the same table', () => {
    const head = `nodes = "none.csv"\n${GOOD.replace('model = 10', 'model = -1')}`;
    // Those of the file itself first.
    expect(problems(`${head}[controller]\nlisten = "0.0.0.0:9400"\ndirectory = 3\n`)).toEqual([
      expect.stringMatching(/model: expected more than 0/),
      expect.stringMatching(/controller\.listen: listens on every address/),
      expect.stringMatching(/controller\.directory: expected/),
      expect.stringMatching(/none\.csv: no such file/),
    ]);
  });
});
