// Certificates and keys as a person names them: whether they can be used is said before a port opens.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readNamedFile } from '../readable-file.ts';

const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Why the file is of no use as certificates; null when it holds some. */
export function certificatesProblem(file: string): string | null {
  try {
    const blocks = readNamedFile(file).toString('latin1').match(PEM_CERTIFICATE) ?? [];
    for (const block of blocks) new X509Certificate(block);
    return blocks.length > 0 ? null : `no certificate (PEM) in ${file}`;
  } catch {
    return `a certificate in ${file} cannot be read`;
  }
}

/** Why the key is of no use with the certificate, of which nothing else is wrong; null when it is its key. */
export function keyProblem(certFile: string, keyFile: string): string | null {
  try {
    const key = createPrivateKey(readNamedFile(keyFile));
    return new X509Certificate(readNamedFile(certFile)).checkPrivateKey(key)
      ? null
      : `${keyFile} is not the key of ${certFile}`;
  } catch {
    return `no private key that can be read in ${keyFile}`;
  }
}
