// What defaults and relative paths of a configuration depend on.

import { resolve } from 'node:path';
import * as z from 'zod';

/** What defaults and paths depend on beside the file. */
export interface SchemaContext {
  /** Relative paths in the file start here: the directory of the file itself. */
  readonly directory: string;
  /** Default of `node.id`. */
  readonly hostname: string;
  /** Where the service manager lets qedge keep state (`STATE_DIRECTORY` of systemd); null when it does not say. */
  readonly stateDirectory: string | null;
}

/** A file by its absolute path. */
export function filePath(context: SchemaContext): z.ZodType<string, string> {
  return z
    .string({ error: 'expected a file name' })
    .min(1)
    .meta({ title: 'file name' })
    .transform((path) => resolve(context.directory, path));
}
