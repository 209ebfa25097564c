// What happens to the continuum while the demo runs: the mishaps of a day in two minutes, then all over again. Each one
// is announced to the person who watches, never to the proxy.

import type { EmulatedCluster } from './emulated/cluster.ts';

export interface Happening {
  /** Milliseconds after the start of a round. */
  readonly atMs: number;
  readonly text: string;
  readonly run: (continuum: EmulatedCluster) => void | Promise<void>;
}

/** After this the story begins again, with everything as at the start. */
export const ROUND_MS = 130_000;

export const STORY: readonly Happening[] = [
  {
    atMs: 12_000,
    text: 'agx-orin-1 runs hot: its inference takes 3.5 times as long',
    run: (continuum) => continuum.slowDown('agx-orin-1', 3.5),
  },
  {
    atMs: 32_000,
    text: 'orin-nano-2 loses power',
    run: (continuum) => continuum.crash('orin-nano-2'),
  },
  {
    atMs: 52_000,
    text: 'agx-orin-3, a new near-edge server, joins',
    run: (continuum) => continuum.boot('agx-orin-3'),
  },
  {
    atMs: 72_000,
    text: 'the link to a100-east gets 45 ms longer',
    run: (continuum) => continuum.moveAway('a100-east', 45),
  },
  {
    atMs: 92_000,
    text: 'agx-orin-1 has cooled down',
    run: (continuum) => continuum.slowDown('agx-orin-1', 1),
  },
  {
    atMs: 102_000,
    text: 'the link to a100-east is as short as before, and orin-nano-2 has power again',
    run: async (continuum) => {
      continuum.moveAway('a100-east', 0);
      await continuum.boot('orin-nano-2');
    },
  },
  {
    atMs: 117_000,
    text: 'agx-orin-3 leaves, in good order',
    run: (continuum) => continuum.leave('agx-orin-3'),
  },
];

export interface StoryRun {
  stop(): void;
}

/** Plays the story in rounds until stopped; `announce` is called with each happening as it begins. */
export function playStory(
  continuum: EmulatedCluster,
  announce: (text: string) => void,
  onError: (error: unknown) => void,
): StoryRun {
  let timer: NodeJS.Timeout | null = null;
  const startMs = performance.now();

  const next = (index: number): void => {
    const happening = STORY[index % STORY.length];
    if (happening === undefined) return;
    const dueMs = startMs + Math.floor(index / STORY.length) * ROUND_MS + happening.atMs;
    timer = setTimeout(
      () => {
        announce(happening.text);
        // An async wrapper, so that a throw and a rejection take one path.
        void (async () => happening.run(continuum))().catch(onError);
        next(index + 1);
      },
      Math.max(0, dueMs - performance.now()),
    );
  };

  next(0);
  return {
    stop() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
