// `[store]`: what survives a restart.

import { join } from 'node:path';
import * as z from 'zod';
import { key } from '../key.ts';
import { duration } from '../values.ts';
import { filePath, type SchemaContext } from './context.ts';

/** Keys of `[store]`. */
export const storeKeys = (context: SchemaContext) => ({
  path: {
    ...key('path', storePath(context), {
      doc: 'What was learned is kept in this file for a warm restart; false: nothing is kept. Default: qedge.db in the directory that systemd sets up for the service (StateDirectory=), false where there is none.',
      reload: 'restart',
      default: context.stateDirectory === null ? false : join(context.stateDirectory, 'qedge.db'),
    }),
    shown: { default: '${env:STATE_DIRECTORY}/qedge.db' },
  },
  flush: key('flushMs', duration(), {
    doc: 'It is written this often; a crash loses at most as much.',
    reload: 'restart',
    default: '5s',
  }),
});

/** Null: nothing is kept. */
const storePath = (context: SchemaContext) =>
  z
    .union([z.literal(false), filePath(context)], { error: 'expected a file or false' })
    .transform((path) => (path === false ? null : path));
