// The proxies that are measured, each as its documentation sets it up, with one worker, keep-alive on both sides and no access
// log.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findProgram } from '../../support/requires.ts';

/** What clients speak: gRPC in cleartext, to instances that speak HTTP/2 as well; everything else to those of HTTP/1.1. */
export type Protocol = 'http1' | 'http2' | 'tls' | 'grpc';

/** What a contender is set up for. */
export interface Setting {
  readonly listen: number;
  readonly upstream: number;
  readonly protocol: Protocol;
  /** Certificate and key in one file. */
  readonly pemFile: string;
}

export interface Contender {
  readonly name: string;
  /** Null: it is not on this machine. */
  readonly command: (folder: string, setting: Setting) => readonly string[] | null;
  readonly env?: NodeJS.ProcessEnv;
  readonly webSockets: boolean;
  /** As it is set up here. */
  readonly speaks: readonly Protocol[];
}

const ROOT = resolve(import.meta.dirname, '../../..');
/** The built one; it may not be there. */
export const BINARY = join(ROOT, 'dist/qedge-linux-x64');

const ALL: readonly Protocol[] = ['http1', 'http2', 'tls', 'grpc'];

export const CONTENDERS: readonly Contender[] = [
  { name: 'qedge', command: qedge, webSockets: true, speaks: ALL },
  { name: 'nginx', command: nginx, webSockets: true, speaks: ALL },
  { name: 'haproxy', command: haproxy, webSockets: true, speaks: ALL },
  { name: 'go', command: go, env: { GOMAXPROCS: '1' }, webSockets: true, speaks: ['http1'] },
  { name: 'caddy', command: caddy, env: { GOMAXPROCS: '1' }, webSockets: true, speaks: ['http1'] },
  { name: 'reply-from', command: replyFrom, webSockets: false, speaks: ['http1'] },
  { name: 'relay', command: relay, webSockets: true, speaks: ['http1'] },
];

/** What is measured: the built binary, else the source. */
export function qedgeFrom(): 'binary' | 'source' {
  return existsSync(BINARY) ? 'binary' : 'source';
}

function qedge(folder: string, { listen, upstream, protocol, pemFile }: Setting): readonly string[] {
  return qedgeCommand(folder, {
    proxy: `listen = "127.0.0.1:${listen}"${protocol === 'tls' ? `\ntls = { cert = "${pemFile}", key = "${pemFile}" }` : ''}`,
    instance: `${protocol === 'grpc' ? 'h2c' : 'http'}://127.0.0.1:${upstream}`,
  });
}

/** `proxy`: what stands in its section. */
export function qedgeCommand(
  folder: string,
  { proxy, instance }: { readonly proxy: string; readonly instance: string },
): readonly string[] {
  const config = join(folder, 'qedge.toml');
  writeFileSync(
    config,
    `[node]
id = "bench"

[proxy]
${proxy}

[admin]
listen = "127.0.0.1:0"

[store]
path = "${join(folder, 'qedge.db')}"

[log]
level = "warn"

[[service]]
name = "bench"
qos = { latency = "80ms", success = 0.9, window = "10s" }

[[service.instances]]
node = "bench"
id = "a"
url = "${instance}"

[[service]]
name = "bulk"
qos.latency = "60s"
instances = ["${instance}"]
`,
  );
  return [
    ...(qedgeFrom() === 'binary' ? [BINARY] : [process.execPath, join(ROOT, 'src/main.ts')]),
    'run',
    '-c',
    config,
  ];
}

function nginx(folder: string, { listen, upstream, protocol, pemFile }: Setting): readonly string[] | null {
  const program = findProgram('nginx');
  if (program === null) return null;
  const config = join(folder, 'nginx.conf');
  const path = (name: string): string => join(folder, `nginx-${name}`);
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${path('pid')}; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 65s; client_body_buffer_size 64k;
  client_body_temp_path ${path('body')}; proxy_temp_path ${path('proxy')}; fastcgi_temp_path ${path('fastcgi')};
  uwsgi_temp_path ${path('uwsgi')}; scgi_temp_path ${path('scgi')};
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream instance { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${listen}${protocol === 'tls' ? ' ssl' : protocol === 'http1' ? '' : ' http2'};
    ${protocol === 'tls' ? `ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${pemFile}; ssl_certificate_key ${pemFile};` : ''}
    location / {
      ${protocol === 'grpc' ? 'grpc_pass grpc://instance; }\n    location /http1 {' : ''}
      proxy_pass http://instance; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
  );
  return [program, '-c', config, '-p', folder, '-e', '/dev/null'];
}

function haproxy(folder: string, { listen, upstream, protocol, pemFile }: Setting): readonly string[] | null {
  const program = findProgram('haproxy');
  if (program === null) return null;
  const config = join(folder, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 65s
  timeout server 65s
  timeout tunnel 65s
  option forwardfor
  http-reuse always
frontend front
  bind 127.0.0.1:${listen}${protocol === 'tls' ? ` ssl crt ${pemFile}` : protocol === 'http1' ? '' : ' proto h2'}
  default_backend instances
backend instances
  server a 127.0.0.1:${upstream}${protocol === 'grpc' ? ' proto h2' : ''}
`,
  );
  return [program, '-db', '-f', config];
}

function go(folder: string, { listen, upstream }: Setting): readonly string[] | null {
  const program = findProgram('go');
  if (program === null) return null;
  const binary = join(folder, 'go-reverse-proxy');
  if (!existsSync(binary)) {
    execFileSync(program, ['build', '-o', binary, join(import.meta.dirname, 'go/main.go')], {
      env: { ...process.env, GO111MODULE: 'off', GOCACHE: join(folder, 'go-cache'), CGO_ENABLED: '0' },
    });
  }
  return [binary, `127.0.0.1:${listen}`, `http://127.0.0.1:${upstream}`];
}

function caddy(folder: string, { listen, upstream }: Setting): readonly string[] | null {
  const program = findProgram('caddy');
  if (program === null) return null;
  const config = join(folder, 'Caddyfile');
  mkdirSync(join(folder, 'caddy'), { recursive: true });
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
  storage file_system ${join(folder, 'caddy')}
}
http://127.0.0.1:${listen} {
  reverse_proxy 127.0.0.1:${upstream}
}
`,
  );
  return [program, 'run', '--config', config, '--adapter', 'caddyfile'];
}

function replyFrom(_folder: string, { listen, upstream }: Setting): readonly string[] {
  return [process.execPath, join(import.meta.dirname, 'reply-from.ts'), String(listen), `http://127.0.0.1:${upstream}`];
}

function relay(_folder: string, { listen, upstream }: Setting): readonly string[] {
  return [
    process.execPath,
    '--max-semi-space-size=2',
    join(import.meta.dirname, 'relay.ts'),
    String(listen),
    String(upstream),
  ];
}
