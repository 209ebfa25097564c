// The client's preface, in front of all frames (RFC 9113 section 3.4).

import { ConnectionError, ErrorCode } from '../../http2/frames.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export class Preface {
  /** Bytes still to come. */
  #left = PREFACE.length;

  /** What lies behind it. Throws `ConnectionError` where it is something else. */
  read(bytes: Buffer): Buffer {
    if (this.#left === 0) return bytes;
    const from = PREFACE.length - this.#left;
    const length = Math.min(bytes.length, this.#left);
    if (bytes.compare(PREFACE, from, from + length, 0, length) !== 0) {
      throw new ConnectionError(ErrorCode.protocolError, 'not the preface');
    }
    this.#left -= length;
    return bytes.subarray(length);
  }
}
