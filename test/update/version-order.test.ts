// Semantic Versioning 2.0.0, clause 11.

import { describe, expect, it } from 'vitest';
import { compareVersions, isVersion } from '../../src/update/version-order.ts';

describe('the order of versions', () => {
  it('is that of the specification', () => {
    const ascending = [
      '0.9.0',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.9.0',
      '1.10.0',
      '2.0.0',
    ];
    expect([...ascending].reverse().sort(compareVersions)).toEqual(ascending);
  });

  it('has no opinion on build metadata', () => {
    expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
  });

  it('knows what is no version', () => {
    expect(isVersion('1.2')).toBe(false);
    expect(() => compareVersions('latest', '1.0.0')).toThrow('got "latest"');
  });
});
