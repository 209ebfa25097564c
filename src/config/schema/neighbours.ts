// `[neighbours]`: what load balancers near by send one another over the broker.

import * as z from 'zod';
import { key } from '../key.ts';

/** Keys of `[neighbours]`. */
export const neighboursKeys = () => ({
  mode: key('mode', z.enum(['off', 'observe', 'use']), {
    doc: '"use": what neighbours saw is what to expect of an instance beside own samples; "observe": it is exchanged and judged alone; "off": neither.',
    default: 'use',
  }),
  max: key('max', z.int().min(1).max(64), {
    doc: 'So many nodes are listened to for each service, the nearest of those in reach.',
    default: 8,
  }),
  samples_max: key('samplesMax', z.number().gt(0).max(1_000), {
    doc: 'What neighbours know of an instance counts as so many own samples at the most, and the less the more own ones there are. It decides how far a step is trusted and what congestion costs.',
    default: 20,
  }),
});
