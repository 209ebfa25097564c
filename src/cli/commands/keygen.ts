// `qedge keygen`: a key pair for signing releases. The private half never leaves the file.

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandError } from '../../errors.ts';
import { generateKeys } from '../../update/signature.ts';
import { cannotWrite } from '../text-files.ts';

export function registerKeygen(program: Command): void {
  program
    .command('keygen')
    .description('make a key for signing releases; prints the public half for the configuration')
    .argument('<file>', 'where the private key goes (PKCS #8 PEM, readable by you alone)')
    .action((file: string) => {
      const { privateKeyPem, publicKey } = generateKeys();
      try {
        writeFileSync(file, privateKeyPem, { mode: 0o600, flag: 'wx' });
      } catch (error) {
        const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
        throw exists
          ? new CommandError(`${file} exists; a key is never overwritten`, 1, error)
          : cannotWrite(file, error);
      }
      process.stdout.write(`[update]\npublic_key = "${publicKey}"\n`);
    });
}
