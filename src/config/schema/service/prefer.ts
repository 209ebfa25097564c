// `prefer`: which instances a service uses as long as they meet its goal.

import * as z from 'zod';
import type { Preference } from '../../../core/domain.ts';
import { labels } from '../../values.ts';

const preference: z.ZodType<Preference> = z.union([z.enum(['local', 'far-edge', 'near-edge', 'cloud']), labels], {
  error: 'expected "local", "far-edge", "near-edge", "cloud" or a table of labels such as { site = "hall-3" }',
});

/** The most preferred first; empty: none is. */
export const preferences: z.ZodType<readonly Preference[]> = z.array(preference).max(16);
