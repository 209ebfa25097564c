// The profiles of all candidates, by handle.

import type { Candidate } from '../../domain.ts';
import { type Profile, readProfile } from '../../profile.ts';

const NONE: Profile = { accuracy: null, energyMwh: null, inferenceMs: null, cost: null };

export class ProfileTable {
  readonly #profiles: Profile[] = [];

  /** A candidate joined, or has another profile. */
  set({ handle, instance }: Candidate): void {
    this.#profiles[handle] = readProfile(instance.profile);
  }

  of({ handle }: Candidate): Profile {
    return this.#profiles[handle] ?? NONE;
  }
}
