import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { anonymousBytes, MemoryRelease } from '../../../src/app/watch/memory-release.ts';
import { createLogger } from '../../../src/telemetry/log.ts';

const MIB = 1024 * 1024;

/** A process of a given size, of which a release frees everything above what is in use. */
function aProcess(holdsMib: number, inUseMib: number) {
  const world = { holdsMib, inUseMib, releases: 0 };
  const memory = new MemoryRelease({
    anonymousBytes: () => world.holdsMib * MIB,
    release: () => {
      world.releases++;
      world.holdsMib = Math.min(world.holdsMib, world.inUseMib);
    },
    log: createLogger({ level: 'silent', nodeId: 'test', destination: { write: () => {} } }),
  });
  return { world, memory };
}

describe('memory that only the start needed', () => {
  it('is given back in the first round', () => {
    const { world, memory } = aProcess(50, 30);
    memory.round();
    expect(world).toMatchObject({ releases: 1, holdsMib: 30 });
  });

  it('is left alone from then on, as long as the process does not grow', () => {
    const { world, memory } = aProcess(50, 30);
    for (let i = 0; i < 10; i++) memory.round();
    world.holdsMib = 33;
    memory.round();
    expect(world.releases).toBe(1);
  });
});

describe('memory that a rush left behind', () => {
  it('is given back within a minute', () => {
    const { world, memory } = aProcess(60, 60);
    memory.round();
    world.inUseMib = 40;
    for (let i = 0; i < 29; i++) memory.round();
    expect(world).toMatchObject({ releases: 1, holdsMib: 60 });
    memory.round();
    expect(world).toMatchObject({ releases: 2, holdsMib: 40 });
  });
});

describe('memory that the process grew by', () => {
  it('is given back when it is 4 MiB or more', () => {
    const { world, memory } = aProcess(50, 30);
    memory.round();
    world.holdsMib = 34;
    memory.round();
    expect(world).toMatchObject({ releases: 2, holdsMib: 30 });
  });

  it('is not asked for again and again when it is in use', () => {
    const { world, memory } = aProcess(50, 30);
    memory.round();
    world.holdsMib = 60;
    world.inUseMib = 60;
    for (let i = 0; i < 10; i++) memory.round();
    expect(world.releases).toBe(2);
  });

  it('counts from the lowest point since the last release', () => {
    const { world, memory } = aProcess(60, 60);
    memory.round();
    world.holdsMib = 40;
    memory.round();
    world.holdsMib = 45;
    memory.round();
    expect(world.releases).toBe(2);
  });
});

describe('a system that can neither report nor release', () => {
  it('is not asked twice', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let asked = 0;
    const memory = new MemoryRelease({
      anonymousBytes: () => 50 * MIB,
      release: () => {
        asked++;
        throw new Error('no directory to load the addon from');
      },
      log: createLogger({ level: 'silent', nodeId: 'test', destination: { write: () => {} } }),
    });
    memory.start();
    vi.advanceTimersByTime(60_000);
    expect(asked).toBe(1);
  });
});

it('the kernel reports how much memory of a process no file stands behind', () => {
  expect(anonymousBytes()).toBeGreaterThan(MIB);
});
