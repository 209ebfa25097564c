// `profile`: what an instance gives and costs, as measured beforehand.

import * as z from 'zod';
import { PROFILE_FIELDS, profileProblems } from '../../core/profile.ts';

const known = Object.fromEntries(PROFILE_FIELDS.map((field) => [field, z.unknown().optional()]));

/** Unknown fields are kept for the policies that read them. */
export const profile = z.looseObject(known).superRefine((value, context) => {
  for (const { path, message } of profileProblems(value)) {
    context.addIssue({ code: 'custom', path: [path], message, input: value[path] });
  }
});

/** Documentation of the key `profile`, wherever a table has it. */
export const PROFILE_DOC =
  'What the instance gives and costs, as measured beforehand. Read by the policies that use a profile: { accuracy = [78, 74, 61], energy_mwh = 0.1, inference_ms = 62 }; a list holds one number for each group of requests, the last one for all further groups. capacity_rpm: requests a minute that the instance can take, read by the policy cooperative.';
