// Work that a timer begins again and again, and that may take longer than it is to the next time.

/**
 * Returns what begins `work`, unless it is under way. A failure goes to `onError`, ends that time alone, and reaches nothing
 * above it.
 */
export function oneAtATime(work: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let underWay = false;
  const run = async (): Promise<void> => {
    underWay = true;
    try {
      await work();
    } catch (error) {
      onError(error);
    } finally {
      underWay = false;
    }
  };
  return () => {
    if (!underWay) void run();
  };
}
