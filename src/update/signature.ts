// What a release says of a file, signed with Ed25519 (RFC 8032): a few lines of text beside it.
//
//   qedge release 1
//   version 0.2.0
//   architecture arm64
//   bytes 105450240
//   sha256 3c1d…
//   signature kVt2…            base64, over the lines above, line ends included

import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { isVersion } from './version-order.ts';

/** What a signature is about. */
export interface Release {
  readonly version: string;
  readonly architecture: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A key that releases are signed with: the private half as PKCS #8 PEM, the public half as the config takes it. */
export function generateKeys(): { readonly privateKeyPem: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return {
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: raw.toString('base64'),
  };
}

/** The text of the signature file. */
export function signRelease(release: Release, privateKey: KeyObject): string {
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new Error(`expected an Ed25519 key, got ${privateKey.asymmetricKeyType}`);
  }
  const claims = claimsOf(release);
  return `${claims}signature ${sign(null, Buffer.from(claims), privateKey).toString('base64')}\n`;
}

/**
 * What the file says, once its signature is known to be good.
 *
 * @param publicKey base64 of the 32 raw bytes
 * @throws Error with what is wrong
 */
export function verifyRelease(text: string, publicKey: string): Release {
  const match = /^((?:.*\n)*)signature ([A-Za-z0-9+/]+=*)\n?$/.exec(text);
  if (match === null) throw new Error('no signature file of qedge');
  const [, claims = '', signature = ''] = match;
  const bytes = Buffer.from(signature, 'base64');
  // Base64 has bits to spare at its end: only the one spelling that signing produces is the signature.
  const canonical = bytes.toString('base64') === signature;
  if (!canonical || !verify(null, Buffer.from(claims), importPublicKey(publicKey), bytes)) {
    throw new Error('the signature does not match the public key');
  }
  return parseClaims(claims);
}

const claimsOf = ({ version, architecture, bytes, sha256 }: Release): string =>
  `qedge release 1\nversion ${version}\narchitecture ${architecture}\nbytes ${bytes}\nsha256 ${sha256}\n`;

function parseClaims(claims: string): Release {
  const match = /^qedge release 1\nversion (\S+)\narchitecture (\w+)\nbytes (\d+)\nsha256 ([0-9a-f]{64})\n$/.exec(
    claims,
  );
  const [, version = '', architecture = '', bytes = '', sha256 = ''] = match ?? [];
  if (!isVersion(version)) throw new Error('the signed lines are of a form that this version does not know');
  return { version, architecture, bytes: Number(bytes), sha256 };
}

function importPublicKey(base64: string): KeyObject {
  const x = Buffer.from(base64, 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
