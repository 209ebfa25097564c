// One claim wins, in any order in which controllers hear of each other.

import { describe, expect, it } from 'vitest';
import { type ClaimAction, Claimant } from '../../../src/learning/controller/claim.ts';
import type { Claim } from '../../../src/learning/messages/payloads.ts';

/** A retained topic and its subscribers, in virtual time. */
class Topic {
  nowMs = 0;
  retained: Claim | null = null;
  readonly members = new Map<string, { claimant: Claimant; has: boolean; begun: number; yielded: number }>();
  #queue: { to: string; claim: Claim | null }[] = [];

  join(id: string): void {
    const claimant = new Claimant(id);
    this.members.set(id, { claimant, has: false, begun: 0, yielded: 0 });
    this.#take(id, claimant.connected(this.nowMs));
    if (this.retained !== null) this.#queue.push({ to: id, claim: this.retained });
  }

  /** It vanishes, and its last will clears the topic. */
  lose(id: string): void {
    this.members.delete(id);
    this.publish(null);
  }

  publish(claim: Claim | null): void {
    this.retained = claim;
    for (const to of this.members.keys()) this.#queue.push({ to, claim });
  }

  run(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 100) {
      for (const [id, { claimant }] of this.members) this.#take(id, claimant.tick(this.nowMs));
      for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
        const member = this.members.get(one.to);
        if (member !== undefined) this.#take(one.to, member.claimant.heard(one.claim, this.nowMs));
      }
    }
  }

  get holders(): string[] {
    return [...this.members].filter(([, { claimant }]) => claimant.isHolding).map(([id]) => id);
  }

  #take(id: string, actions: readonly ClaimAction[]): void {
    const member = this.members.get(id);
    for (const action of actions) {
      if (member === undefined) return;
      if (action === 'publish') this.publish(member.claimant.claim);
      else if (action === 'begin') member.begun++;
      else member.yielded++;
    }
  }
}

describe('the claim on a task', () => {
  it('is had by a controller that is alone', () => {
    const topic = new Topic();
    topic.join('a');
    topic.run(3_000);
    expect(topic.holders).toEqual(['a']);
    expect(topic.retained).toEqual({ id: 'a', term: 1 });
  });

  it('is had by one of two that start at once, and the other never begins', () => {
    const topic = new Topic();
    topic.join('b');
    topic.join('a');
    topic.run(5_000);
    expect(topic.holders).toEqual(['a']);
    expect(topic.members.get('b')?.begun).toBe(0);
    expect(topic.retained?.id).toBe('a');
  });

  it('stays with its holder when another joins, or one that waits goes', () => {
    const topic = new Topic();
    topic.join('b');
    topic.run(3_000);
    topic.join('a');
    topic.join('c');
    topic.run(3_000);
    topic.lose('c');
    topic.run(5_000);
    expect(topic.holders).toEqual(['b']);
    expect(topic.retained).toEqual({ id: 'b', term: 1 });
    expect(topic.members.get('a')?.begun).toBe(0);
  });

  it('passes to another with a higher term when its holder is gone', () => {
    const topic = new Topic();
    topic.join('a');
    topic.run(3_000);
    topic.join('b');
    topic.run(1_000);
    topic.lose('a');
    topic.run(3_000);
    expect(topic.holders).toEqual(['b']);
    expect(topic.retained).toEqual({ id: 'b', term: 2 });
  });

  it('is given up by a holder that comes back after another took over', () => {
    const topic = new Topic();
    topic.join('a');
    topic.run(3_000);
    topic.join('b');
    const old = topic.members.get('a');
    if (old === undefined) throw new Error('a is there');
    old.claimant.disconnected();
    topic.members.delete('a');
    topic.publish(null);
    topic.run(4_000);
    expect(topic.holders).toEqual(['b']);
    topic.members.set('a', old);
    const actions = old.claimant.connected(topic.nowMs);
    expect(actions).toEqual(['publish']);
    topic.publish(old.claimant.claim);
    topic.run(2_000);
    expect(topic.holders).toEqual(['b']);
    expect(old.yielded).toBe(1);
    expect(topic.retained).toEqual({ id: 'b', term: 2 });
  });

  it('passes on though nothing clears it, where broker and holder lost power together', () => {
    const topic = new Topic();
    topic.retained = { id: 'gone', term: 7 };
    topic.join('a');
    topic.join('b');
    topic.run(9_000);
    expect(topic.holders).toEqual([]);
    topic.run(4_000);
    expect(topic.holders).toEqual(['a']);
    expect(topic.retained).toEqual({ id: 'a', term: 8 });
  });

  it('stays with a holder that repeats it for as long as it lives', () => {
    const topic = new Topic();
    topic.join('b');
    topic.run(3_500);
    topic.join('a');
    const waiting = topic.members.get('a')?.claimant;
    topic.run(100);
    expect(waiting?.isHolderAlive).toBe(false);
    topic.run(60_000);
    expect(topic.holders).toEqual(['b']);
    expect(waiting?.isHolderAlive).toBe(true);
  });

  it('is not taken by a controller that was stopped itself', () => {
    const topic = new Topic();
    topic.join('b');
    topic.run(3_000);
    topic.join('a');
    topic.run(1_000);
    expect(topic.members.get('a')?.claimant.tick(topic.nowMs + 60_000)).toEqual([]);
  });

  it('is in doubt for a holder that was stopped itself, until its claim comes back', () => {
    const holding = (): Claimant => {
      const claimant = new Claimant('a');
      claimant.connected(0);
      claimant.tick(2_000);
      claimant.heard(claimant.claim, 2_000);
      for (let nowMs = 2_100; nowMs <= 3_000; nowMs += 100) claimant.tick(nowMs);
      expect(claimant.isHolding).toBe(true);
      expect(claimant.tick(15_000)).toEqual(['publish']);
      expect(claimant.isHolding).toBe(false);
      return claimant;
    };
    const alone = holding();
    expect(alone.heard(alone.claim, 15_000)).toEqual([]);
    expect(alone.isHolding).toBe(true);
    expect(alone.tick(15_100)).toEqual([]);
    expect(holding().heard({ id: 'b', term: 2 }, 15_000)).toEqual(['yield']);
  });

  it('with the highest term, from wherever, keeps no later controller away', () => {
    const topic = new Topic();
    topic.join('a');
    topic.run(3_000);
    topic.publish({ id: 'forged', term: 1e9 });
    topic.run(1_000);
    expect(topic.members.get('a')?.yielded).toBe(1);
    topic.run(62_000);
    expect(topic.holders).toEqual(['a']);
    expect(topic.retained).toEqual({ id: 'a', term: 1 });
  });

  it('is to be cleared from the moment it is made, also before its controller begins', () => {
    const claimant = new Claimant('a');
    claimant.connected(0);
    expect(claimant.isClaimed).toBe(false);
    claimant.tick(2_000);
    expect(claimant).toMatchObject({ isClaimed: true, isHolding: false });
    claimant.heard({ id: 'b', term: 9 }, 2_100);
    expect(claimant.isClaimed).toBe(false);
  });

  it('changes nothing before the own claim was heard back', () => {
    const claimant = new Claimant('a');
    claimant.connected(0);
    expect(claimant.tick(2_000)).toEqual(['publish']);
    expect(claimant.tick(60_000)).toEqual([]);
    expect(claimant.isHolding).toBe(false);
  });
});
