// The outcomes that policies observe: two objects, overwritten for every attempt instead of allocated.

import { type Candidate, NO_HANDLE, type Outcome } from '../domain.ts';
import { LiveCandidate } from './live-candidate.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Start = Outcome & { readonly kind: 'start' };
type End = Outcome & { readonly kind: 'end' };

/** Stands in until the first attempt, so that every field has its type from the beginning; 0.5 keeps numbers doubles. */
const NO_CANDIDATE = new LiveCandidate({
  handle: NO_HANDLE,
  key: '',
  local: false,
  instance: { service: '', nodeId: '', id: '', scheme: 'http', host: '', port: 0, labels: {}, profile: null },
  rttMs: 0.5,
});

export class ReusedOutcomes {
  readonly #start: Writable<Start> = { kind: 'start', candidate: NO_CANDIDATE, startMs: 0.5 };
  readonly #end: Writable<End> = {
    kind: 'end',
    candidate: NO_CANDIDATE,
    startMs: 0.5,
    ahead: 0,
    latencyMs: 0.5,
    result: 'answered',
    success: false,
  };

  /** Valid until the next call. */
  start(candidate: Candidate, startMs: number): Outcome {
    const start = this.#start;
    start.candidate = candidate;
    start.startMs = startMs;
    return start;
  }

  /** Valid until the next call; how the attempt ended is for the caller to fill in. */
  end(candidate: Candidate, startMs: number, ahead: number): Writable<End> {
    const end = this.#end;
    end.candidate = candidate;
    end.startMs = startMs;
    end.ahead = ahead;
    return end;
  }
}
