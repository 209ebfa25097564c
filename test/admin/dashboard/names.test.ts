import { describe, expect, it } from 'vitest';
import { shortNames } from '../../../src/admin/dashboard/names.ts';

describe('an instance', () => {
  it('is called by its node where it is alone there, by its whole name where it is not', () => {
    const nameOf = shortNames(['pi-7/a', 'pi-8/a', 'pi-8/b', 'all others']);
    expect(['pi-7/a', 'pi-8/a', 'pi-8/b', 'gone/a', 'all others'].map(nameOf)).toEqual([
      'pi-7',
      'pi-8/a',
      'pi-8/b',
      'gone/a',
      'all others',
    ]);
  });
});
