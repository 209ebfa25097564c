// The SETTINGS of a peer (RFC 9113 section 6.5) that matter here; the others concern what is not sent.

import { ConnectionError, ErrorCode, FRAME_BYTES_MAX, Setting, WINDOW_BYTES_MAX } from './frames.ts';

const SETTING_BYTES = 6;
/** Settings in one frame: there are six, and a few more in extensions. */
const SETTINGS_MAX = 32;
const FRAME_SIZE_MAX = 2 ** 24 - 1;

/** Null where it does not say. */
export interface PeerSettings {
  /** SETTINGS_INITIAL_WINDOW_SIZE, bytes. */
  readonly window: number | null;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  readonly streamsMax: number | null;
}

/** `pushMax`: of SETTINGS_ENABLE_PUSH; a server must not say 1. Throws `ConnectionError`. */
export function readSettings(payload: Buffer, pushMax: 0 | 1): PeerSettings {
  if (payload.length % SETTING_BYTES !== 0) {
    throw new ConnectionError(ErrorCode.frameSizeError, `SETTINGS of ${payload.length} bytes`);
  }
  if (payload.length > SETTINGS_MAX * SETTING_BYTES) {
    throw new ConnectionError(ErrorCode.enhanceYourCalm, `SETTINGS of ${payload.length} bytes`);
  }
  let window: number | null = null;
  let streamsMax: number | null = null;
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === Setting.initialWindowSize) {
      if (value > WINDOW_BYTES_MAX) throw new ConnectionError(ErrorCode.flowControlError, `a window of ${value} bytes`);
      window = value;
    } else if (id === Setting.maxConcurrentStreams) {
      streamsMax = value;
    } else if (
      (id === Setting.enablePush && value > pushMax) ||
      (id === Setting.maxFrameSize && (value < FRAME_BYTES_MAX || value > FRAME_SIZE_MAX))
    ) {
      throw new ConnectionError(ErrorCode.protocolError, `setting ${id} of ${value}`);
    }
  }
  return { window, streamsMax };
}
