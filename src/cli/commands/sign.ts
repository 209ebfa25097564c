// `qedge sign`: signs an executable for `qedge update`, or what else belongs to a release.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Command, Option } from 'commander';
import { CommandError, EX_USAGE, unreadable } from '../../errors.ts';
import { readNamedFile } from '../../readable-file.ts';
import { digestOf } from '../../update/copy.ts';
import { architectureOf } from '../../update/elf.ts';
import { writeDurably } from '../../update/layout.ts';
import { signRelease } from '../../update/signature.ts';
import { isVersion } from '../../update/version-order.ts';
import { version } from '../build-facts.ts';
import { cannotWrite } from '../text-files.ts';

/** The architecture of a file that is not an executable; `qedge update` takes no such file. */
const ANY_ARCHITECTURE = 'any';

interface SignOptions {
  readonly key: string;
  readonly release: string;
  readonly output?: string;
}

export function registerSign(program: Command): void {
  program
    .command('sign')
    .description('sign a file of a release: an executable for qedge update, or any other for qedge verify')
    .argument('<file>', 'an executable of any architecture, SHA256SUMS, a package')
    .requiredOption('--key <file>', 'private key of qedge keygen')
    .addOption(
      new Option('--release <version>', 'the version that the file is').default(version, 'that of this program'),
    )
    .option('--output <file>', 'where the signature goes (default: <file>.sig)')
    .action((file: string, options: SignOptions) => {
      const output = options.output ?? `${file}.sig`;
      const signature = signatureOf(file, options);
      try {
        writeDurably(output, signature);
      } catch (error) {
        throw cannotWrite(output, error);
      }
      process.stdout.write(`${output}\n`);
    });
}

function signatureOf(file: string, { key, release }: SignOptions): string {
  if (!isVersion(release))
    throw new CommandError(`--release: expected a version such as 1.2.3, got ${release}`, EX_USAGE);
  try {
    const architecture = architectureOf(file) ?? ANY_ARCHITECTURE;
    return signRelease({ version: release, architecture, ...digestOf(file) }, readKey(key));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const message = 'syscall' in (error as Error) ? unreadable(file, error) : (error as Error).message;
    throw new CommandError(message, 1, error);
  }
}

function readKey(path: string): KeyObject {
  let pem: Buffer;
  try {
    pem = readNamedFile(path);
  } catch (error) {
    throw new CommandError(`--key: ${unreadable(path, error)}`, 1, error);
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CommandError(`--key: ${path} is no private key in PEM, such as qedge keygen writes`, 1, error);
  }
}
