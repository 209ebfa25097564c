// `profile`: what an instance gives and costs, as measured beforehand.

import * as z from 'zod';
import { profileProblems } from '../../core/profile.ts';

/** Unknown fields are kept for the policies that read them. */
export const profile = z.record(z.string(), z.unknown()).superRefine((value, context) => {
  for (const { path, message } of profileProblems(value)) {
    context.addIssue({ code: 'custom', path: [path], message, input: value[path] });
  }
});

/** Documentation of the key `profile`, wherever a table has it. */
export const PROFILE_DOC =
  'What the instance gives and costs, as measured beforehand. Read by the policies that use a profile: { accuracy = [78, 74, 61], energy_mwh = 0.1, inference_ms = 62 }; a list holds one number for each group of requests, the last one for all further groups. capacity_rpm: requests a minute that the instance can take, read by the policy cooperative.';
