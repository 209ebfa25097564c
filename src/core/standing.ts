// What an instance is doing, in a word, the same wherever people read it.

import type { InstanceState } from './service-router.ts';

export interface Standing {
  readonly word: string;
  readonly kind: 'good' | 'explore' | 'warn' | 'bad' | 'out';
}

/** `0.1 s` and up: what is left of a cooldown is never nothing. */
export function cooldownText(cooldownMs: number): string {
  return `${(Math.ceil(cooldownMs / 100) / 10).toFixed(1)} s`;
}

export function standingOf(instance: InstanceState): Standing {
  if (instance.availability === 'draining') return { word: 'draining', kind: 'warn' };
  if (instance.availability === 'suspect') return { word: 'suspect', kind: 'bad' };
  if (instance.cooldownMs > 0) return { word: `cooldown ${cooldownText(instance.cooldownMs)}`, kind: 'bad' };
  switch (instance.pool) {
    case 'exploitation':
      return { word: 'in pool', kind: 'good' };
    case 'exploration':
      return { word: 'exploring', kind: 'explore' };
    case 'out':
      return { word: 'out', kind: 'out' };
  }
}
