// `[fl]`: what this node brings to federated learning.

import * as z from 'zod';
import { key, required } from '../key.ts';
import { count } from '../values.ts';

const command = z
  .array(z.string(), { error: 'expected a command such as ["python3", "fl_service.py"]' })
  .refine((words): words is [string, ...string[]] => words[0] !== undefined && words[0] !== '', {
    error: 'expected a command such as ["python3", "fl_service.py"]',
  });

const figures = <T extends z.ZodType>(value: T) => z.record(z.string().min(1).max(64), value);

/** Keys of `[fl]`. */
export const flKeys = () => ({
  command: required('command', command, {
    doc: 'The program that trains or gathers, and its arguments; run while a task has a part for this node, with that part in its environment. Nothing else is ever run.',
    example: ['python3', 'fl_service.py'],
    reload: 'restart',
  }),
  role: required('role', z.enum(['global-aggregator', 'aggregator', 'client']), {
    doc: 'What this node is: "client" has data, the others gather models.',
    example: 'client',
    reload: 'restart',
  }),
  port: key('port', count(1, 65_535), {
    doc: 'Where the program listens, at node.address (FL_PORT); used where the node gathers models.',
    default: 9100,
    reload: 'restart',
  }),
  costs: key('costs', figures(z.number().min(0).max(1e12)), {
    doc: 'What a MB to or from other nodes costs, in units of your own, such as { n1 = 200, n2 = 100 }.',
    default: {},
    reload: 'restart',
  }),
  samples: key('samples', figures(z.int().min(0).max(1e12)), {
    doc: 'How many samples of each class a client has, such as { "0" = 1000, "1" = 20000 }.',
    default: {},
    reload: 'restart',
  }),
});
