// `[placement.…]`: where instances are learned from beside the broker.

import { required } from '../../key.ts';
import { filePath, type SchemaContext } from '../context.ts';

/** Keys of `[placement.file]`. */
export const fileSourceKeys = (context: SchemaContext) => ({
  path: required('path', filePath(context), {
    doc: 'A file of [[instance]] tables in TOML, or the same in JSON, or a folder of such files (*.toml, *.json).',
    example: 'instances.d',
  }),
});
