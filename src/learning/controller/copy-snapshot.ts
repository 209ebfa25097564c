// The newest snapshot of the controller that has the task, copied by one that waits.

import { get, type IncomingMessage } from 'node:http';
import { hostOfUrl } from '../../config/values.ts';
import type { AddressPolicy } from '../../placement/address-policy.ts';
import type { TaskState } from '../messages/payloads.ts';
import { BadSnapshotError, type Snapshots } from './snapshots.ts';

/** Nothing came for this long, ms. */
const SILENCE_MS_MAX = 10_000;
/** A copy takes no longer than this, ms: one that drips would keep all later ones away. */
const COPY_MS_MAX = 10 * 60_000;

/**
 * What stands on a broker says where to connect to: only addresses that are allowed are.
 *
 * @throws Error for what is not there, or not whole; nothing is kept of it
 */
export async function copySnapshot(
  { url, round, sha256 }: NonNullable<TaskState['snapshot']>,
  { snapshots, addresses }: { readonly snapshots: Snapshots; readonly addresses: AddressPolicy },
): Promise<void> {
  const refusal = addresses.refusal(hostOfUrl(url), Number(new URL(url).port || 80));
  if (refusal !== null) throw new BadSnapshotError(refusal);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(
      url,
      { agent: false, timeout: SILENCE_MS_MAX, signal: AbortSignal.timeout(COPY_MS_MAX) },
      resolve,
    );
    request.on('timeout', () => request.destroy(new Error(`no answer for ${SILENCE_MS_MAX / 1_000} s`)));
    request.on('error', reject);
  });
  if (response.statusCode !== 200) {
    response.destroy();
    throw new BadSnapshotError(`expected status 200, got ${response.statusCode}`);
  }
  await snapshots.receive(response, { round, sha256 });
}
