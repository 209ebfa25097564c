// `[[chain]]`: services that a client asks for one after another, with one goal for the whole.

import * as z from 'zod';
import { key, required, subtable } from '../key.ts';
import { duration, name, positiveRatio } from '../values.ts';

/** Stages of a chain at the most. */
const STAGES_MAX = 16;

const goalKeys = {
  latency: required('latencyMs', duration(), {
    doc: 'A run is a success when its last stage is answered within this time, counted from its first request.',
    example: '150ms',
  }),
  success: key('successRatio', positiveRatio, {
    doc: 'Share of its runs that each client is to see succeed in every window.',
    default: 0.9,
  }),
  window: key('windowMs', duration(), { doc: 'Length of the sliding window.', default: '10s' }),
};

/** Keys of a `[[chain]]`. */
export const chainKeys = () => ({
  name: required('name', name, {
    doc: 'What a request names with X-QEdge-Chain: <chain>/<run>.',
    example: 'perception',
  }),
  stages: required('stages', z.array(name).min(2).max(STAGES_MAX), {
    doc: 'Services in the order in which they are asked for. A run may leave some out, but asks for none twice.',
    example: ['detector', 'tracker', 'planner'],
  }),
  qos: subtable('qos', goalKeys, { doc: 'The goal of the whole. Each stage gets its part of it, as learned.' }),
});
