// The tables of src/proxy/README.md hold what the code does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROXY_ERROR_CODES } from '../../src/errors.ts';
import { statusOf } from '../../src/proxy/exchange/error-response.ts';

const README = readFileSync(join(import.meta.dirname, '../../src/proxy/README.md'), 'utf8');
const FIELDS = readFileSync(join(import.meta.dirname, '../../src/proxy/fields/fields.ts'), 'utf8');

describe('the tables of the data path', () => {
  it('name every error code with its status', () => {
    const rows = [...README.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ]);
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(PROXY_ERROR_CODES.map((code) => [code, statusOf(code)])),
    );
  });

  it('name every field that is treated as more than an ordinary one', () => {
    const table = FIELDS.slice(FIELDS.indexOf('const HOP_BY_HOP'), FIELDS.indexOf('export const RESPONSE_FIELDS'));
    const answers = FIELDS.slice(
      FIELDS.indexOf('export const RESPONSE_FIELDS'),
      FIELDS.indexOf('});', FIELDS.indexOf('export const RESPONSE_FIELDS')),
    );
    const names = [...(table + answers).matchAll(/^ {2,4}'?([a-z0-9-]+)'?(?:: FieldKind\.|,$)/gm)].map(
      ([, name]) => name ?? '',
    );
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !README.toLowerCase().includes(`\`${name}\``))).toEqual([]);
  });
});
