// SETTINGS that clients are sent (RFC 9113 section 6.5).

import { Setting, settingsFrame } from '../../http2/frames.ts';

/** Streams of a connection that may be open at once. */
export const STREAMS_MAX = 256;

export function ownSettings(headerBytesMax: number): string {
  return settingsFrame([
    [Setting.maxConcurrentStreams, STREAMS_MAX],
    [Setting.maxHeaderListSize, headerBytesMax],
  ]);
}
