// `[log]`: what is written to standard output.

import * as z from 'zod';
import { key } from '../key.ts';

/** Keys of `[log]`. */
export const logKeys = () => ({
  level: key('level', z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']), {
    doc: '"trace", "debug", "info", "warn", "error" or "silent"; the admin API can change it at run time.',
    default: 'info',
  }),
  format: key('format', z.enum(['auto', 'json', 'text']), {
    doc: '"json", "text", or "auto": text on a terminal, JSON elsewhere. In the journal each line has its priority.',
    reload: 'restart',
    default: 'auto',
  }),
  access: key('access', z.boolean(), { doc: 'One line a request.', default: false }),
});
