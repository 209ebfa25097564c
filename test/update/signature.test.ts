// Only what the holder of the private key said is believed, all of it, and nothing else.

import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateKeys, signRelease, verifyRelease } from '../../src/update/signature.ts';

const { privateKeyPem, publicKey } = generateKeys();
const privateKey = createPrivateKey(privateKeyPem);
const RELEASE = { version: '1.2.3', architecture: 'arm64', bytes: 1000, sha256: 'ab'.repeat(32) };

describe('a signed release', () => {
  it('comes back as it was signed', () => {
    expect(verifyRelease(signRelease(RELEASE, privateKey), publicKey)).toEqual(RELEASE);
  });

  it('is believed only with the key that signed it', () => {
    expect(() => verifyRelease(signRelease(RELEASE, privateKey), generateKeys().publicKey)).toThrow(
      'does not match the public key',
    );
  });

  it('is refused when any one character is another', () => {
    const text = signRelease(RELEASE, privateKey);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('0', 'x', '\n', ' '), (i, character) => {
        const changed = text.slice(0, i) + character + text.slice(i + 1);
        // The last line end is not signed, and does not matter.
        fc.pre(changed !== text && i !== text.length - 1);
        expect(() => verifyRelease(changed, publicKey)).toThrow();
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('has a public key of 32 bytes, as the configuration takes it', () => {
    expect(Buffer.from(publicKey, 'base64')).toHaveLength(32);
  });
});
