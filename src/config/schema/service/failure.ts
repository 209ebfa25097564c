// `[service.failure]`: which answers are failures, and which are only where one instance alone gives them.

import * as z from 'zod';
import { FAILURE_DEFAULT, statusClass } from '../../../core/verdict/rules.ts';
import { key } from '../../key.ts';
import { count, size } from '../../values.ts';

const EXPECTED = 'expected statuses such as 429 and classes such as "5xx"';

/** Numbers and classes, as the statuses that they stand for. */
export const statuses: z.ZodType<readonly number[]> = z
  .array(z.union([count(100, 999), z.string().regex(/^[1-9]xx$/i, EXPECTED)], { error: EXPECTED }))
  .transform((all) => [
    ...new Set(all.flatMap((one) => (typeof one === 'number' ? one : statusClass(Number(one[0]))))),
  ]);

const grpcStatuses: z.ZodType<readonly number[]> = z.array(z.int().min(1).max(16));

export const failureKeys = {
  statuses: key('statuses', statuses, {
    doc: 'Statuses that are failures: numbers and classes. "5xx" leaves out 501 and 505, which every instance of a service answers alike; 408 and 429 say that an instance is full, not that it is broken.',
    default: ['5xx', 429, 408],
  }),
  grpc: key('grpc', grpcStatuses, {
    doc: 'Status codes of gRPC that are failures.',
    default: [...FAILURE_DEFAULT.grpc],
  }),
  relative: key('relative', z.boolean(), {
    doc: 'Every other 3xx, 4xx or 5xx, every other status of gRPC, a 202 or a 2xx that is not registered, a 2xx with an empty body (or a 304 to an unconditional request), and a 2xx that is no answer to what was asked (a part, a type, a coding, a version or a digest that does not fit, problem details, JSON that tells of an error and nothing else, a picture, film, sound or archive that is cut off, a stream that ends within an event or a picture) count against an instance as far as it gives them more often than the others; what all give alike counts against none.',
    default: true,
  }),
  body_min: key('bodyBytesMin', size({ zero: true }), {
    doc: 'A 200 with a shorter body is a failure.',
    default: '0B',
  }),
};
