// Where a path of an image is, seen from outside: links in it mean the image's own root, as they will when it runs.

import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** As path_resolution(7). */
const LINKS_MAX = 40;

/** `path` under `root`, its folders followed through links that never lead out of `root`. Its last part is not followed. */
export function imagePath(root: string, path: string): string {
  return join(imageTarget(root, dirname(path)), basename(path));
}

/** The same with its last part followed as well: what is read there. */
export function imageTarget(root: string, path: string): string {
  if (root === '/') return path;
  let links = 0;
  /** Absolute in the image, without links. */
  const real = (inside: string): string => {
    if (inside === '/') return '/';
    const place = join(real(dirname(inside)), basename(inside));
    const found = lstatSync(join(root, place), { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return place;
    if (++links > LINKS_MAX) throw new Error(`${join(root, inside)}: too many links`);
    return real(resolve(dirname(place), readlinkSync(join(root, place))));
  };
  return join(root, real(resolve('/', path)));
}
