// What an instance is doing, in a word, the same wherever people read it.

import type { InstanceState } from './service-router.ts';

export interface Standing {
  readonly word: string;
  readonly kind: 'good' | 'explore' | 'warn' | 'bad' | 'out';
}

export function standingOf(instance: InstanceState): Standing {
  if (instance.availability === 'draining') return { word: 'draining', kind: 'warn' };
  if (instance.availability === 'suspect') return { word: 'suspect', kind: 'bad' };
  if (instance.cooldownMs > 0) return { word: `cooldown ${(instance.cooldownMs / 1000).toFixed(1)} s`, kind: 'bad' };
  switch (instance.pool) {
    case 'exploitation':
      return { word: 'in pool', kind: 'good' };
    case 'exploration':
      return { word: 'exploring', kind: 'explore' };
    case 'out':
      return { word: 'out', kind: 'out' };
  }
}
