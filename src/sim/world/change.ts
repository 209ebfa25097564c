// What changes in a simulated world, and when: a scenario's events as single steps.

/** A change and when it happens, ms since the start. */
export interface TimedChange {
  readonly atMs: number;
  readonly change: Change;
}

/** One step of a world: an instance, a link or a load balancer becomes another. */
export type Change =
  | { readonly kind: 'up' | 'down' | 'announce' | 'withdraw' | 'freeze' | 'thaw'; readonly instance: number }
  /** CPU time × factor; undone by the same kind with 1 / factor. */
  | { readonly kind: 'slow'; readonly instance: number; readonly factor: number }
  | { readonly kind: 'delay' | 'link'; readonly instance: number; readonly addMs: number }
  | { readonly kind: 'errors'; readonly instance: number; readonly addRatio: number }
  /** The uplink of a load balancer stands still. */
  | { readonly kind: 'uplink'; readonly balancer: number; readonly untilMs: number }
  /** Nothing of placement passes the broker. */
  | { readonly kind: 'broker'; readonly how: 'hang' | 'kill'; readonly untilMs: number }
  | {
      readonly kind: 'restart';
      readonly balancers: readonly number[];
      readonly state: 'warm' | 'cold';
      readonly ageMs: number;
    }
  /** State is put aside for a warm restart that comes later. */
  | { readonly kind: 'keep'; readonly balancers: readonly number[] };
