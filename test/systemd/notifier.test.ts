// What the service manager hears, message by message.

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createNotifier } from '../../src/systemd/notifier.ts';

const log = pino({ level: 'silent' });

function recording(env: NodeJS.ProcessEnv = {}, held = false) {
  const sent: string[] = [];
  const notifier = createNotifier({ log, held, env, pid: 7, send: (message) => sent.push(message) > 0 });
  return { sent, notifier };
}

describe('the notifier', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('says that it is ready, with a line of status', () => {
    const { sent, notifier } = recording();
    notifier.ready('2 services');
    expect(sent).toEqual(['READY=1\nSTATUS=2 services']);
  });

  it('says that it is ready until that is heard, or it stops', () => {
    const sent: string[] = [];
    let heard = false;
    const send = (message: string): boolean => sent.push(message) > 0 && heard;
    const notifier = createNotifier({ log, env: {}, pid: 7, send });
    notifier.ready();
    vi.advanceTimersByTime(1500);
    expect(sent).toEqual(['READY=1', 'READY=1']);
    heard = true;
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual(['READY=1', 'READY=1', 'READY=1']);
    heard = false;
    notifier.ready();
    notifier.stopping();
    vi.advanceTimersByTime(60_000);
    expect(sent.slice(3)).toEqual(['READY=1', 'STOPPING=1']);
  });

  it('says a status once until it changes, always on one line', () => {
    const { sent, notifier } = recording();
    notifier.status('a\nb');
    notifier.status('a b');
    notifier.status('c');
    expect(sent).toEqual(['STATUS=a b', 'STATUS=c']);
  });

  it('feeds the watchdog twice as often as asked, from ready until stopping', () => {
    const { sent, notifier } = recording({ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '7' });
    vi.advanceTimersByTime(20_000);
    expect(sent).toEqual([]);
    notifier.ready();
    notifier.ready();
    vi.advanceTimersByTime(10_000);
    expect(sent).toEqual(['READY=1', 'READY=1', 'WATCHDOG=1', 'WATCHDOG=1']);
    notifier.stopping();
    vi.advanceTimersByTime(20_000);
    expect(sent.slice(4)).toEqual(['STOPPING=1']);
  });

  it('leaves the watchdog of another process alone', () => {
    const { sent, notifier } = recording({ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '8' });
    notifier.ready();
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual(['READY=1']);
  });

  it('says nothing while another process speaks, and then how things are', () => {
    const { sent, notifier } = recording({ WATCHDOG_USEC: '10000000' }, true);
    notifier.ready('2 services');
    notifier.status('3 services');
    vi.advanceTimersByTime(20_000);
    expect(sent).toEqual([]);
    notifier.release();
    expect(sent).toEqual(['READY=1\nSTATUS=3 services', 'WATCHDOG=1']);
    vi.advanceTimersByTime(5_000);
    expect(sent.slice(2)).toEqual(['WATCHDOG=1']);
  });

  it('is not ready by the end of its silence alone', () => {
    const { sent, notifier } = recording({}, true);
    notifier.release();
    expect(sent).toEqual([]);
  });

  it('names the process that succeeds it last of all', () => {
    const { sent, notifier } = recording({ WATCHDOG_USEC: '10000000' });
    notifier.ready();
    notifier.succeededBy(8);
    vi.advanceTimersByTime(20_000);
    expect(sent.slice(1)).toEqual(['MAINPID=8']);
  });

  it('dates a reload on the monotonic clock', () => {
    const { sent, notifier } = recording();
    notifier.reloading();
    expect(sent[0]).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  });

  it('is silent where no service manager listens', () => {
    const notifier = createNotifier({ log, env: {}, pid: 7 });
    expect(() => notifier.ready('fine')).not.toThrow();
  });
});
