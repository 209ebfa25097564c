import { describe, expect, it } from 'vitest';
import { Aim } from '../../../src/core/router/aim.ts';

describe('the limit that a policy steers by', () => {
  it('becomes the part of the stages at the first step, however many requests came before there were stages', () => {
    const aim = new Aim(100, 1_000_000);
    for (let i = 0; i < 30; i++) aim.note(40);
    expect(aim.step(1_000_030, 0)).toBe(true);
    expect(aim.latencyMs).toBe(40);
    expect(aim.isPart).toBe(true);
  });

  it('stays the own one while one request in five is a stage', () => {
    const aim = new Aim(100, 0);
    for (let i = 0; i < 30; i++) aim.note(40);
    expect(aim.step(150, 0)).toBe(false);
    expect(aim.latencyMs).toBe(100);
  });

  it('is the own one again once stages are seldom', () => {
    const aim = new Aim(100, 0);
    for (let i = 0; i < 30; i++) aim.note(40);
    aim.step(30, 0);
    expect(aim.step(1_030, 3_000)).toBe(true);
    expect(aim.latencyMs).toBe(100);
    expect(aim.isPart).toBe(false);
  });
});
