// The scripts of `qedge completion`, in the shells that they are for.
// requires: zsh, fish

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startAdmin } from '../../support/admin.ts';
import { QEDGE } from '../../support/qedge-command.ts';
import { routerStateOf } from '../../support/router-state.ts';

vi.setConfig({ testTimeout: 60_000 });

// As a person types: the last word of each is completed by Tab. Each prints the words that are offered.
const BASH = `
source <(qedge completion bash)
# What readline passes: the line, and its last word as bash splits it.
offered() { COMP_LINE=$1 COMP_POINT=\${#1}; _qedge qedge "$2" ''; printf '%s\\n' "\${COMPREPLY[@]}"; }
offered "qedge explain --url=$URL " ''
offered 'qedge simulate --policy=rou' rou
complete -p qedge
`;
const FISH = `
qedge completion fish | source
complete --do-complete "qedge explain --url=$URL "
complete --do-complete 'qedge simulate --policy=rou'
`;
// A terminal of its own: only there does zsh complete.
const ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
expect() { local seen; zpty -r shell seen "*$1*" && print -r -- "saw $1" }
zpty -w shell "autoload -Uz compinit; compinit -u -d $PWD/dump; eval \\"\\$(qedge completion zsh)\\"; PS1='RE''ADY '"
expect 'READY '
zpty -w -n shell "qedge explain --url $URL pil"$'\\t'
expect 'pilotnet'
`;

describe('the completion of a shell', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-shells-'));
    const command = QEDGE.map((word) => `'${word}'`).join(' ');
    writeFileSync(join(directory, 'qedge'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    return () => rmSync(directory, { recursive: true });
  });

  /** Lines of standard output. */
  async function run(shell: string, args: readonly string[], script: string): Promise<readonly string[]> {
    const { url } = await startAdmin([routerStateOf()]);
    const env = { PATH: `${directory}:${process.env.PATH}`, HOME: directory, URL: url, TERM: 'xterm' };
    const child = spawn(shell, [...args, '-c', script], { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return (await text(child.stdout)).trim().split('\n');
  }

  it('completes services and policies in bash', async () => {
    const lines = await run('bash', ['--norc'], BASH);
    expect(lines).toEqual(['pilotnet', 'round-robin', 'complete -F _qedge qedge']);
  });

  it('completes services and policies in fish', async () => {
    const lines = await run('fish', ['--no-config'], FISH);
    expect(lines.map((line) => line.split('\t')[0])).toEqual(['pilotnet', '--policy=round-robin']);
  });

  it('completes services in zsh', async () => {
    expect(await run('zsh', ['-f'], ZSH)).toEqual(['saw READY ', 'saw pilotnet']);
  });
});
