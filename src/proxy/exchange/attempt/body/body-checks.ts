// What the marks of a format do not show: that a compressed body cannot be decompressed, that JSON is none in its middle, and that a body is
// not the one whose digest its head gives. All cost time, which a budget bounds.

import { createHash, type Hash } from 'node:crypto';
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import { FieldKind, RESPONSE_FIELDS } from '../../../fields/fields.ts';
import { isJsonType, mayHidePage, outermostOf } from './body-end.ts';
import type { CheckBudget } from './check-budget.ts';
import { tellsError } from './error-text.ts';
import { readJson } from './json-text.ts';
import { isPage } from './page-start.ts';

/** A body is decompressed up to this length, */
const BYTES_MAX = 65_536;
/** and up to this length of what comes out of it: 1 ms or two. */
const OUTPUT_BYTES_MAX = 524_288;

/** Windows over HTTP have 8 MiB at most (RFC 9659). */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 23 };

type Decoder = (body: Buffer, options: { readonly maxOutputLength: number }) => Buffer | null;

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['br', brotliDecompressSync],
  ['deflate', inflate],
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['zstd', (body, options) => zstdDecompressSync(body, { ...options, params: ZSTD_PARAMS })],
]);

/** A check of one body. */
export interface BodyCheck {
  take(chunk: Buffer): void;
  /** Once, at the end: whether the body is not what it says to be; null: that was not found out. */
  isBroken(): boolean | null;
}

/** How a body is written, by its head. */
export interface ContentForm {
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** Null: there is nothing to look into, or no time for it. `handle`: of the instance. */
export function contentCheck(form: ContentForm, budget: CheckBudget, handle: number): ContentCheck | null {
  const coding = outermostOf(form.contentEncoding);
  const decoder = DECODERS.get(coding) ?? null;
  // What is decompressed may have another coding below.
  const look = form.contentEncoding.includes(',') ? null : lookOf(form.contentType);
  const isJson = look === ofJson;
  if (decoder === null && !(isJson && coding === 'identity')) return null;
  const admitted = decoder === null ? budget.admitsSample(handle) : budget.admits(handle);
  return admitted ? new ContentCheck({ decoder, look }, budget, handle) : null;
}

/** Why a text is no answer of its type: it is none, or holds the description of an error alone. */
type Odd = 'foreign' | 'error' | null;
type Look = (text: Buffer) => Odd;

function ofJson(text: Buffer): Odd {
  const json = readJson(text);
  if (json === null) return 'foreign';
  return tellsError(json.value) ? 'error' : null;
}

const ofOther = (text: Buffer): Odd => (isPage(text) ? 'foreign' : null);

/** What is looked for in a text of this type; null: nothing. */
function lookOf(contentType: string): Look | null {
  if (isJsonType(contentType)) return ofJson;
  return mayHidePage(contentType) ? ofOther : null;
}

/** Looks into a body that is short. */
export class ContentCheck implements BodyCheck {
  readonly #decoder: Decoder | null;
  readonly #lookFor: Look | null;
  readonly #budget: CheckBudget;
  readonly #handle: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** It is no JSON, though its head says so, or a page of HTML, though it does not; or an error. Known once `isBroken` was asked. */
  odd: Odd = null;
  /** What was compressed is nothing; known once `isBroken` was asked. */
  isHollow = false;

  constructor(
    { decoder, look }: { readonly decoder: Decoder | null; readonly look: Look | null },
    budget: CheckBudget,
    handle: number,
  ) {
    this.#decoder = decoder;
    this.#lookFor = look;
    this.#budget = budget;
    this.#handle = handle;
  }

  take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    // A copy: what is passed on may be a slice of a buffer that is used again.
    if (this.#bytes <= BYTES_MAX) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = [];
  }

  /** Whether it cannot be decompressed; null as well where it is not compressed. */
  isBroken(): boolean | null {
    // What was left when it began may be spent by others that began with it.
    if (this.#bytes === 0 || this.#bytes > BYTES_MAX || !this.#budget.admits(this.#handle)) return null;
    const beganMs = performance.now();
    const isBroken = this.#look(Buffer.concat(this.#chunks));
    this.#budget.spend(this.#handle, performance.now() - beganMs);
    if (isBroken !== null || this.#decoder === null) {
      this.#budget.found(this.#handle, isBroken === true || this.odd !== null);
    }
    return isBroken;
  }

  #look(body: Buffer): boolean | null {
    const decoded = this.#decoder === null ? { text: body, isBroken: null } : decode(this.#decoder, body);
    if (decoded.text !== null) {
      this.odd = this.#lookFor?.(decoded.text) ?? null;
      this.isHollow = decoded.text.length === 0;
    }
    return decoded.isBroken;
  }
}

/** `text` null: it is not known. `isBroken` null: neither is whether it could be decompressed. */
function decode(decoder: Decoder, body: Buffer): { readonly text: Buffer | null; readonly isBroken: boolean | null } {
  try {
    return { text: decoder(body, { maxOutputLength: OUTPUT_BYTES_MAX }), isBroken: false };
  } catch (error) {
    return { text: null, isBroken: UNKNOWN.has((error as NodeJS.ErrnoException).code ?? '') ? null : true };
  }
}

/** Errors that say nothing of the body. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'ERR_BUFFER_TOO_LARGE',
  'Z_MEM_ERROR',
  'Z_NEED_DICT',
  'ZSTD_error_dictionary_wrong',
  'ZSTD_error_frameParameter_windowTooLarge',
  'ZSTD_error_memory_allocation',
]);

/** Clients put up with bytes that follow the last member. */
function gunzip(body: Buffer, options: { readonly maxOutputLength: number }): Buffer | null {
  try {
    return gunzipSync(body, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A single one of them is taken for the begin of another member.
    if (code === 'Z_BUF_ERROR') return gunzipSync(body.subarray(0, -1), options);
    if (message === 'incorrect header check' && isGzip(body)) return null;
    throw error;
  }
}

const isGzip = (body: Buffer): boolean => body[0] === 0x1f && body[1] === 0x8b;

/** It should have the header of zlib; clients take it without as well (RFC 9110 section 8.4.1.2). */
function inflate(body: Buffer, options: { readonly maxOutputLength: number }): Buffer | null {
  const hasHeader = body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
  return (hasHeader ? inflateSync : inflateRawSync)(body, options);
}

/** What names of fields and of algorithms mean. */
const ALGORITHMS: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };
const SHA = /(?:^|,)[\t ]*(sha-256|sha-512)=:([A-Za-z0-9+/=]{1,88}):/;

interface Digest {
  /** As node:crypto names it. */
  readonly algorithm: string;
  readonly base64: string;
}

/**
 * `fields`: those of the head that give digests of the whole body; none: one follows in the trailers. Null: none is known, or there is no
 * time for it.
 */
export function digestCheck(fields: readonly string[], budget: CheckBudget, handle: number): DigestCheck | null {
  const digest = firstDigest(fields);
  if ((digest === null && fields.length > 0) || !budget.admits(handle)) return null;
  return new DigestCheck(digest, budget, handle);
}

/** Returns the digest of the first field that names a known algorithm; null where none does. */
function firstDigest(fields: readonly string[]): Digest | null {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    // Trailers may have digests of something else.
    if (RESPONSE_FIELDS.kindOf(name) !== FieldKind.digest) continue;
    const isMd5 = name.toLowerCase() === 'content-md5';
    const [, sha = '', base64 = ''] = isMd5 ? [value, 'md5', value] : (SHA.exec(value) ?? []);
    const algorithm = isMd5 ? 'md5' : ALGORITHMS[sha];
    if (algorithm !== undefined) return { algorithm, base64 };
  }
  return null;
}

/** Whether a body is the one whose digest its head or its trailers give. */
export class DigestCheck implements BodyCheck {
  readonly #budget: CheckBudget;
  readonly #handle: number;
  #digest: Digest | null;
  /** Hashes keyed by algorithm, since only the trailers name it. Null once there is no more time for them. */
  #hashes: ReadonlyMap<string, Hash> | null;

  constructor(digest: Digest | null, budget: CheckBudget, handle: number) {
    const algorithms = digest === null ? Object.values(ALGORITHMS) : [digest.algorithm];
    this.#digest = digest;
    this.#hashes = new Map(algorithms.map((algorithm) => [algorithm, createHash(algorithm)]));
    this.#budget = budget;
    this.#handle = handle;
  }

  take(chunk: Buffer): void {
    if (this.#hashes === null) return;
    const beganMs = performance.now();
    for (const hash of this.#hashes.values()) hash.update(chunk);
    this.#budget.spend(this.#handle, performance.now() - beganMs);
    if (!this.#budget.admits(this.#handle)) this.#hashes = null;
  }

  /** Where the head gave none. */
  takeTrailers(fields: readonly string[]): void {
    this.#digest ??= firstDigest(fields);
  }

  isBroken(): boolean | null {
    const digest = this.#digest;
    const hash = digest === null ? undefined : this.#hashes?.get(digest.algorithm);
    if (digest === null || hash === undefined) return null;
    const isBroken = hash.digest('base64') !== digest.base64;
    this.#budget.found(this.#handle, isBroken);
    return isBroken;
  }
}
