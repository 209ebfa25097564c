// `qedge verify`: what `qedge sign` said of a file, checked by hand; `qedge update` does it by itself.

import { type Command, InvalidArgumentError } from 'commander';
import { CommandError, unreadable } from '../../errors.ts';
import { readNamedFile } from '../../readable-file.ts';
import { digestOf } from '../../update/copy.ts';
import { verifyRelease } from '../../update/signature.ts';

interface VerifyOptions {
  readonly key: string;
  readonly signature?: string;
}

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('check the signature of a file; exit 0 when the file is what was signed')
    .argument('<file>', 'what was signed')
    .requiredOption('--key <public>', 'public key, as qedge keygen prints it', publicKeyArgument)
    .option('--signature <file>', 'signature file (default: <file>.sig)')
    .action((file: string, { key, signature = `${file}.sig` }: VerifyOptions) => {
      const { version, architecture, bytes, sha256 } = signed(signature, key);
      const found = read(file, digestOf);
      if (found.bytes !== bytes || found.sha256 !== sha256)
        throw new CommandError(`${file}: not the file that was signed`);
      process.stdout.write(`${file}: version ${version}, architecture ${architecture}, as signed\n`);
    });
}

/** Ed25519, in base64. */
const KEY_BYTES = 32;

function publicKeyArgument(text: string): string {
  if (Buffer.from(text, 'base64').length === KEY_BYTES) return text;
  throw new InvalidArgumentError(`expected a public key, ${KEY_BYTES} bytes in base64, got ${text}`);
}

function signed(file: string, publicKey: string) {
  const text = read(file, (path) => readNamedFile(path).toString());
  try {
    return verifyRelease(text, publicKey);
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`, 1, error);
  }
}

function read<Content>(file: string, reader: (path: string) => Content): Content {
  try {
    return reader(file);
  } catch (error) {
    throw new CommandError(unreadable(file, error), 1, error);
  }
}
