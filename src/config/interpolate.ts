// `${env:NAME}` and `${file:/path}` in strings: how secrets come in. Only the reference is ever shown, never what it stands for.

import { readNamedFile } from '../readable-file.ts';
import type { Interpolate } from './toml.ts';

const FILE_BYTES_MAX = 64 * 1024;

const REFERENCE = /\$\{(env|file):([^}]*)\}/g;

/** Where references lead. */
export interface References {
  /** The process environment when absent. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where the file of a path is; at that path when absent. */
  readonly fileAt?: ((path: string) => string) | undefined;
}

/**
 * Replaces every reference in a string. A file's content loses one line end at its end; `$${` writes a `${` that is meant literally.
 */
export function interpolateFrom({ env = process.env, fileAt = (path) => path }: References): Interpolate {
  return (text) => {
    if (!text.includes('${')) return { value: text };
    let error: string | null = null;
    const replaced = text
      .split('$${')
      .map((part) =>
        part.replace(REFERENCE, (_, kind: string, name: string) => {
          const result = kind === 'env' ? fromEnvironment(env, name) : fromFile(name, fileAt);
          if ('error' in result) error ??= result.error;
          return 'value' in result ? result.value : '';
        }),
      )
      .join('${');
    return error === null ? { value: replaced } : { error };
  };
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>, name: string): ReturnType<Interpolate> {
  const value = env[name];
  return value === undefined ? { error: `environment variable ${name} is not set` } : { value };
}

function fromFile(path: string, fileAt: (path: string) => string): ReturnType<Interpolate> {
  try {
    const content = readNamedFile(fileAt(path)).toString();
    if (content.length > FILE_BYTES_MAX) return { error: `file ${path} is larger than ${FILE_BYTES_MAX} bytes` };
    return { value: content.replace(/\r?\n$/, '') };
  } catch (error) {
    return { error: `cannot read file ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  }
}
