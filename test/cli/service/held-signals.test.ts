import { expect, it, onTestFinished } from 'vitest';
import { holdServiceSignals, holdSignals } from '../../../src/cli/service/held-signals.ts';

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

it('the signals of a service are held once, however often that is asked for', () => {
  const held = holdServiceSignals();
  expect(holdServiceSignals()).toBe(held);
  expect(process.listenerCount('SIGHUP')).toBe(1);
  held.release();
  expect(process.listenerCount('SIGHUP')).toBe(0);
});
