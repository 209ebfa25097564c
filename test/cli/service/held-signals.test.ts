import { expect, it, onTestFinished } from 'vitest';
import { holdSignals } from '../../../src/cli/service/held-signals.ts';

it('a signal that comes too early happens once when it can be acted on, and later ones as they come', () => {
  const heard: string[] = [];
  const act = (name: string): void => void heard.push(name);
  const held = holdSignals(['SIGHUP', 'SIGUSR2']);
  process.emit('SIGHUP', 'SIGHUP');
  process.emit('SIGHUP', 'SIGHUP');
  process.on('SIGHUP', act);
  onTestFinished(() => void process.off('SIGHUP', act));
  held.release();
  expect(heard).toEqual(['SIGHUP']);
  process.emit('SIGHUP', 'SIGHUP');
  expect(heard).toEqual(['SIGHUP', 'SIGHUP']);
  expect(process.listenerCount('SIGUSR2')).toBe(0);
});
