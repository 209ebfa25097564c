// Every failure that qedge reports: a stable code, and which side caused it.

import { resolve } from 'node:path';

/** Which side a failure is of: the client's, the instance's, or this process's own. */
export type ErrorSource = 'downstream' | 'upstream' | 'internal';

/** Codes that clients see in `X-QEdge-Error`; the status each maps to lives in proxy/exchange/error-response.ts alone. */
export const PROXY_ERROR_CODES = [
  'bad-request',
  'unknown-service',
  'request-timeout',
  'body-too-large',
  'uri-too-long',
  'headers-too-large',
  'upstream-connect',
  'upstream-reset',
  'upstream-protocol',
  'upstream-timeout',
  'deadline-exceeded',
  'deadline-unreachable',
  'no-instance',
  'overloaded',
  'draining',
  'loop',
  'internal',
] as const;

/** One of them. */
export type ProxyErrorCode = (typeof PROXY_ERROR_CODES)[number];

export interface ProxyErrorContext {
  readonly service?: string;
  readonly instance?: string;
}

export interface ProxyErrorOptions {
  readonly source: ErrorSource;
  readonly cause?: unknown;
  readonly context?: ProxyErrorContext;
}

/** A failure of one request: its code decides the status and the body that the client gets (exchange/error-response.ts). */
export class ProxyError extends Error {
  readonly code: ProxyErrorCode;
  readonly source: ErrorSource;
  readonly context: ProxyErrorContext;

  constructor(code: ProxyErrorCode, message: string, options: ProxyErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProxyError';
    this.code = code;
    this.source = options.source;
    this.context = options.context ?? {};
  }
}

/** One thing wrong with a file that a person wrote: `qedge.toml:12:3: service.qos.latency: expected …, got 80`. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A configuration or scenario with everything that is wrong with it; the command exits 78 (EX_CONFIG). */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One line for people: `file:line:column: path: message`; without a place where there is none. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  return problem.path === '' ? `${place}: ${problem.message}` : `${place}: ${problem.path}: ${problem.message}`;
}

/** A failure of start-up or of a command with a message meant for a person and nothing a stack trace would add. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** sysexits.h, the two that qedge uses. */
export const EX_USAGE = 64;
/** Exit status of a command whose configuration has mistakes. */
export const EX_CONFIG = 78;

/** Why a port cannot be listened on, for people: `the port is taken`. */
export function notListening(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'the port is taken';
  if (error.code === 'EACCES')
    return 'not allowed to listen there: ports below 1024 need CAP_NET_BIND_SERVICE, or root';
  return error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' ? 'no address of this machine' : error.message;
}

/** Why a file cannot be read, for people: `no such file: /path`. */
export function unreadable(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return file === '' ? 'no name of a file' : `no such file: ${resolve(file)}`;
  if (code === 'EISDIR') return `is a directory: ${file}`;
  if (code === 'EACCES') return `not allowed to read: ${file}`;
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not valid UTF-8' : `cannot be read: ${file} (${code})`;
}
