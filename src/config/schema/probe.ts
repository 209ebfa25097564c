// `[probe]`: how often round trips are measured.

import * as z from 'zod';
import { RTT_CHANGE_RATIO_DEFAULT } from '../../core/router/rtt-table.ts';
import { key } from '../key.ts';
import { duration } from '../values.ts';

/** Keys of `[probe]`. */
export const probeKeys = () => ({
  interval: key('intervalMs', duration(), { doc: 'Every node is pinged this often.', default: '5s' }),
  rate_max: key('ratePerSecondMax', z.number().gt(0).max(10_000), {
    doc: 'Pings per second to all nodes together; the interval stretches to keep it.',
    default: 50,
  }),
  timeout: key('timeoutMs', duration(), { doc: 'A ping without an answer counts as lost after this.', default: '1s' }),
  change_ratio: key('changeRatio', z.number().gt(0).max(10), {
    doc: 'A step of the round-trip time by more than this share (and 2 ms) counts as a change of the environment.',
    default: RTT_CHANGE_RATIO_DEFAULT,
  }),
});
