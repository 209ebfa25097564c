// What every section schema is built with: strict tables, and files whose names start at the directory of the config.

import { resolve } from 'node:path';
import * as z from 'zod';

/** What defaults and relative paths depend on. */
export interface SchemaContext {
  /** Relative paths in the file start here: the directory of the file itself. */
  readonly directory: string;
  /** Default of `node.id`. */
  readonly hostname: string;
  /** Where the service manager lets qedge keep state (`STATE_DIRECTORY` of systemd); null when it does not say. */
  readonly stateDirectory: string | null;
}

/** A table in which an unknown key is an error. */
export function table<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape);
}

/** A file by its absolute path. */
export function filePath(context: SchemaContext): z.ZodType<string, string> {
  return z
    .string({ error: 'expected a file name' })
    .min(1)
    .transform((path) => resolve(context.directory, path));
}
