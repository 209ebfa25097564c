// Certificates that are out of date, or soon will be: those of the configuration, and those that others show.

import { X509Certificate } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { readNamedFile } from '../../readable-file.ts';
import { bad, type Finding, good, reasonOf } from './finding.ts';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is reported: its renewal should have happened. */
const DAYS_MIN = 30;

export function certificateFindings({ proxy, mqtt, traces, services, announce }: Config, nowMs: number): Finding[] {
  const files: readonly (readonly [string, string | null | undefined])[] = [
    ['proxy.tls.cert', proxy.tls?.certFile],
    ['proxy.tls.client_ca', proxy.tls?.clientCaFile],
    ['mqtt.ca', mqtt?.caFile],
    ['mqtt.cert', mqtt?.certFile],
    ['traces.ca', traces?.caFile],
    ...services.map(({ caFile }) => ['service.ca', caFile] as const),
    ...announce.map(({ caFile }) => ['announce.ca', caFile] as const),
  ];
  return files.flatMap(([key, file]) => (file ? [ofFile(`certificate ${key} ${file}`, file, nowMs)] : []));
}

function ofFile(subject: string, file: string, nowMs: number): Finding {
  try {
    const { validFrom, validTo } = new X509Certificate(readNamedFile(file));
    return judgeValidity(subject, { validFrom, validTo }, nowMs);
  } catch (error) {
    return bad(subject, reasonOf(error));
  }
}

/** `validFrom` and `validTo` as certificates write them: `Nov 27 17:00:00 2026 GMT`. */
export function judgeValidity(
  subject: string,
  { validFrom, validTo }: { readonly validFrom: string; readonly validTo: string },
  nowMs: number,
): Finding {
  const days = Math.floor((Date.parse(validTo) - nowMs) / DAY_MS);
  if (Date.parse(validFrom) > nowMs) return bad(subject, `is valid from ${validFrom} on: is the clock right?`);
  if (days < 0) return bad(subject, `expired on ${validTo}`);
  return days < DAYS_MIN
    ? bad(subject, `expires in ${days} days, on ${validTo}`)
    : good(subject, `good until ${validTo}`);
}
