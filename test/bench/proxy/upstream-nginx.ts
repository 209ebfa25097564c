// The instance behind every contender: nginx itself answers, so that the instance never is what is measured.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/listening.ts';
import { requireProgram } from '../../support/requires.ts';
import { type Started, start } from './processes.ts';

export const BULK_BYTES = 100_000_000;
const GRPC_ANSWER = Buffer.concat([Buffer.from([0, 0, 0, 0, 100]), Buffer.alloc(100, 1)]);

/**
 * Answers every request with 200 B of JSON, `/bulk` with a file, and on `grpcPort` each call with a message of 100 B. On a core
 * of its own; what it writes goes to `folder`.
 */
export async function startUpstream(
  folder: string,
  core: number,
): Promise<Started & { readonly port: number; readonly grpcPort: number }> {
  const port = await freePort();
  const grpcPort = await freePort();
  const config = join(folder, 'upstream.conf');
  const files = join(folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'bulk'), Buffer.alloc(BULK_BYTES, 'x'));
  writeFileSync(join(files, 'call'), GRPC_ANSWER);
  const path = (name: string): string => join(folder, `upstream-${name}`);
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${path('pid')}; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; client_body_buffer_size 64k;
  client_body_temp_path ${path('body')}; proxy_temp_path ${path('proxy')}; fastcgi_temp_path ${path('fastcgi')};
  uwsgi_temp_path ${path('uwsgi')}; scgi_temp_path ${path('scgi')};
  sendfile on; root ${files};
  server {
    listen 127.0.0.1:${port};
    location / { default_type application/json; return 200 '"${'x'.repeat(198)}"'; }
    location /bulk { }
  }
  server {
    listen 127.0.0.1:${grpcPort} http2;
    # A file is no answer to POST, until it is.
    location / { default_type application/grpc; add_trailer grpc-status 0; error_page 405 =200 $uri; }
  }
}
`,
  );
  const command = [requireProgram('nginx'), '-c', config, '-p', folder, '-e', '/dev/null'];
  return { ...(await start(command, { core, port })), port, grpcPort };
}
