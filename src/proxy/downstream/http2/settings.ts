// SETTINGS (RFC 9113 section 6.5): ours, and what of a client's is of interest here.

import { ConnectionError, ErrorCode, FRAME_BYTES_MAX, Setting, settingsFrame, WINDOW_BYTES_MAX } from './frames.ts';

const SETTING_BYTES = 6;
/** In one frame. There are six, and a few more in extensions. */
const SETTINGS_MAX = 32;
const FRAME_SIZE_MAX = 2 ** 24 - 1;

/** Streams of a connection that may be open at once. */
export const STREAMS_MAX = 256;

export function ownSettings(headerBytesMax: number): string {
  return settingsFrame([
    [Setting.maxConcurrentStreams, STREAMS_MAX],
    [Setting.maxHeaderListSize, headerBytesMax],
  ]);
}

/** SETTINGS_INITIAL_WINDOW_SIZE, null where it stays; the others concern only what is not sent here. Throws `ConnectionError`. */
export function readSettings(payload: Buffer): number | null {
  if (payload.length % SETTING_BYTES !== 0) {
    throw new ConnectionError(ErrorCode.frameSizeError, `SETTINGS of ${payload.length} bytes`);
  }
  if (payload.length > SETTINGS_MAX * SETTING_BYTES) {
    throw new ConnectionError(ErrorCode.enhanceYourCalm, `SETTINGS of ${payload.length} bytes`);
  }
  let window: number | null = null;
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === Setting.initialWindowSize) {
      if (value > WINDOW_BYTES_MAX) throw new ConnectionError(ErrorCode.flowControlError, `a window of ${value} bytes`);
      window = value;
    } else if (
      (id === Setting.enablePush && value > 1) ||
      (id === Setting.maxFrameSize && (value < FRAME_BYTES_MAX || value > FRAME_SIZE_MAX))
    ) {
      throw new ConnectionError(ErrorCode.protocolError, `setting ${id} of ${value}`);
    }
  }
  return window;
}
