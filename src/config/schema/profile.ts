// `profile`: what an instance gives and costs, as measured beforehand.

import * as z from 'zod';
import { profileProblems } from '../../core/profile.ts';

/** Fields of other names are kept for who may want them. */
export const profile = z.record(z.string(), z.unknown()).superRefine((written, context) => {
  for (const { path, message } of profileProblems(written)) {
    context.addIssue({ code: 'custom', path: [path], message, input: written[path] });
  }
});

/** Documentation of the key `profile`, wherever a table has it. */
export const PROFILE_DOC =
  'What it gives and costs, as measured beforehand, for the policies that go by it: { accuracy = [78, 74, 61], energy_mwh = 0.1, inference_ms = 62 }; a list holds one number for each group of requests, the last one for all further groups. capacity_rpm: requests a minute that it takes, for the policy cooperative.';
