// How long a test waits for what must happen: no matter how busy the machine, and no longer than it takes.

/** For `expect.poll` and `vi.waitFor`, whose own patience is a second. */
export const PATIENCE = { timeout: 60_000, interval: 50 };
