// Is a local instance fit to be announced? One check of one instance: an HTTP GET that is answered with 2xx or 3xx, or
// a TCP connect that is accepted.

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { HealthConfig } from '../config/config.ts';
import type { Scheme } from '../core/domain.ts';

export interface HealthTarget {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
}

/** Null when healthy, else why not. Never rejects, never takes longer than the check's timeout. */
export function checkHealth(target: HealthTarget, check: HealthConfig): Promise<string | null> {
  // A cleartext HTTP/2 server need not understand HTTP/1.1, so only its accepting a connection is asked of it.
  return check.kind === 'tcp' || target.scheme === 'h2c' ? checkTcp(target, check) : checkHttp(target, check);
}

function checkTcp({ host, port }: HealthTarget, { timeoutMs }: HealthConfig): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (reason: string | null): void => {
      resolve(reason);
      socket.destroy();
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`no connection within ${timeoutMs} ms`));
    socket.once('error', (error) => end(error.message));
  });
}

function checkHttp(target: HealthTarget, check: HealthConfig & { kind: 'http' }): Promise<string | null> {
  const { host, port, scheme } = target;
  const request = scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const req = request({ host, port, path: check.path, agent: false, headers: { 'user-agent': 'qedge-health' } });
    const deadline = setTimeout(
      () => req.destroy(new Error(`no answer within ${check.timeoutMs} ms`)),
      check.timeoutMs,
    );
    req.once('response', (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400 ? null : `answered ${status} to ${check.path}`);
    });
    req.once('error', (error) => resolve(error.message));
    req.once('close', () => clearTimeout(deadline));
    req.end();
  });
}
