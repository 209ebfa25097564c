// Plays what happens to a scene while the demo runs, round after round. Each happening is announced to the viewer, never to
// the proxy.

import type { Levers, Scene } from './scenes/scene.ts';

export interface StoryRun {
  stop(): void;
}

export interface StoryOptions {
  readonly scene: Pick<Scene, 'story' | 'roundMs'>;
  readonly levers: Levers;
  /** Called with each happening as it begins. */
  readonly announce: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

/** Plays the story in rounds until stopped. */
export function playStory({ scene, levers, announce, onError }: StoryOptions): StoryRun {
  const { story, roundMs } = scene;
  let timer: NodeJS.Timeout | null = null;
  const startMs = performance.now();

  const next = (index: number): void => {
    const happening = story[index % story.length];
    if (happening === undefined) return;
    const dueMs = startMs + Math.floor(index / story.length) * roundMs + happening.atMs;
    timer = setTimeout(
      () => {
        announce(happening.text);
        // An async wrapper, so that a throw and a rejection take one path.
        void (async () => happening.run(levers))().catch(onError);
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
