// What `qedge check --online` tried, and what came of it.

/** One thing that was tried. */
export interface Finding {
  /** `broker mqtt://…`, `name pi-9.local`, … */
  readonly subject: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly detail: string;
}

export const good = (subject: string, detail: string): Finding => ({ subject, ok: true, detail });
export const bad = (subject: string, detail: string): Finding => ({ subject, ok: false, detail });

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
